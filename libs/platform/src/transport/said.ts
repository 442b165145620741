import { BaseRpcContext } from '@nestjs/microservices'

/** Where a message was said: the actor whose store holds it, and the peer in whose place it lies. */
export interface SaidIn {
  readonly actor: string
  readonly peer: string
}

/**
 * What a handler is told beside a message, and how it passes the message on. What it passes reaches the machine once the handler has
 * returned, and outside of Nest: a broken law must end the process, and Nest would catch it. A handler that returns without passing
 * anything on has dropped the message; one that throws leaves it where it lies, to be handled again.
 */
export class Said<T> extends BaseRpcContext<readonly [SaidIn]> {
  readonly actor: string
  readonly peer: string
  #passed: { readonly message: T } | undefined

  constructor(where: SaidIn) {
    super([where])
    this.actor = where.actor
    this.peer = where.peer
  }

  /** To the machine, as it was read or otherwise. */
  pass(message: T): void {
    this.#passed = { message }
  }

  /** What was passed on. */
  get passed(): { readonly message: T } | undefined {
    return this.#passed
  }
}
