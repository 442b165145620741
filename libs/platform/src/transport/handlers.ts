import type { INestApplication } from '@nestjs/common'
import { type CustomTransportStrategy, type MicroserviceOptions, Server } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import type { Said } from './said.js'

/** What a handler made of a message. */
export type Handling<T> =
  | { readonly kind: 'passed'; readonly message: T }
  | { readonly kind: 'dropped' }
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * The half of a transport that Nest fills: handlers by pattern. They are awaited here, one by one, and not through `handleEvent`, which
 * does not say whether they failed. Nothing of rxjs is made unless a handler answers with an Observable.
 */
export abstract class Handlers extends Server implements CustomTransportStrategy {
  override readonly propagatesEventHandlerErrors = true
  /** Every pattern of these must have a handler. */
  readonly #patterns: readonly string[]

  constructor(patterns: readonly string[]) {
    super()
    this.#patterns = patterns
  }

  /** Refuses to start where a message would find nobody. */
  listen(callback: (error?: unknown) => void): void {
    const missing = this.#patterns.filter((pattern) => !this.messageHandlers.has(pattern))
    if (missing.length === 0) callback()
    else callback(new TypeError(`no handler for ${missing.join(', ')}; a controller must have one for each`))
  }

  close(): void {}

  on(): never {
    throw new TypeError('this transport has no events of its own')
  }

  unwrap(): never {
    throw new TypeError('this transport has no server of its own: its store is that of the process')
  }

  protected async handle<T>(pattern: string, message: T, said: Said<T>): Promise<Handling<T>> {
    try {
      const answer: unknown = await this.messageHandlers.get(pattern)?.(message, said)
      if (isObservable(answer)) await lastValueFrom(answer, { defaultValue: undefined })
    } catch (error) {
      return { kind: 'failed', error }
    }
    const { passed } = said
    return passed ? { kind: 'passed', message: passed.message } : { kind: 'dropped' }
  }
}

/** Binds the message controllers of an application to a transport, before the application is started. */
export function connectTransport(app: INestApplication, strategy: Handlers): void {
  app.connectMicroservice<MicroserviceOptions>({ strategy })
}
