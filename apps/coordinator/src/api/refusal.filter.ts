import type { RefusalBody } from '@kvasir/contracts'
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'
import { Refusal } from '../desk/refusal.js'

/** Of Fastify's reply, what is used here. */
interface Reply {
  status(code: number): Reply
  header(name: string, value: string): Reply
  send(body: RefusalBody): unknown
}

/** Every refusal reads alike, whoever refuses. What nobody expected is told as it is, and logged. */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  readonly #unexpected: (error: unknown) => void

  constructor(unexpected: (error: unknown) => void) {
    this.#unexpected = unexpected
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<Reply>()
    if (error instanceof Refusal) {
      if (error.retryAfterS !== undefined) reply.header('retry-after', String(error.retryAfterS))
      reply.status(error.status).send(error.body)
      return
    }
    if (error instanceof HttpException) {
      const status = error.getStatus()
      const code = status === 404 ? 'unknown' : status < 500 ? 'bad_input' : 'internal'
      reply.status(status).send({ error: { code, message: error.message } })
      return
    }
    this.#unexpected(error)
    const message = error instanceof Error ? error.message : String(error)
    const status = statusIn(error)
    reply.status(status).send({ error: { code: status < 500 ? 'bad_input' : 'internal', message } })
  }
}

/** Fastify refuses bodies by itself: too large, or no JSON. */
function statusIn(error: unknown): number {
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}
