import { applyDecorators, Catch, Controller, type RpcExceptionFilter, UseFilters } from '@nestjs/common'
import { type Observable, throwError } from 'rxjs'

/** Nest's own filter would log what a handler threw and tell the transport "Internal server error". */
@Catch()
class AsItWas implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error)
  }
}

/** A controller whose methods handle messages of a transport of this library: what they throw reaches the transport as it was. */
export function MessageController(): ClassDecorator {
  return applyDecorators(Controller(), UseFilters(AsItWas))
}
