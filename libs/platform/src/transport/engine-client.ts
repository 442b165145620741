import type { EngineMessage } from '@kvasir/contracts'
import { ClientProxy, type ReadPacket } from '@nestjs/microservices'
import type { Observable } from 'rxjs'
import type { EngineMailbox } from '../live/engine-mailbox.js'

/** The client as those see it who speak through it: what is said, and under which pattern, is as contracts have it. */
export interface EngineEvents {
  /** Completes when the message is on its way: in the order in which messages were emitted. */
  emit<Message extends EngineMessage>(pattern: Message['kind'], message: Message): Observable<Message>
}

/** What an engine says to the owner of its pool, as Nest's events. The answer to all of it is the engine's document. */
export class EngineClient extends ClientProxy implements EngineEvents {
  readonly #mailbox: EngineMailbox

  constructor(mailbox: EngineMailbox) {
    super()
    this.#mailbox = mailbox
  }

  override connect(): Promise<void> {
    return Promise.resolve()
  }

  override close(): void {}

  override unwrap(): never {
    throw new TypeError('this client has no connection of its own: its store is that of the process')
  }

  protected override async dispatchEvent<T>({ data }: ReadPacket): Promise<T> {
    this.#mailbox.send(data)
    return data
  }

  protected override publish(): never {
    throw new TypeError('an engine is not answered; emit what it says, and read its document')
  }
}
