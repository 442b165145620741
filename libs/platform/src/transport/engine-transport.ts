import type { EngineDocument, EngineMessage } from '@kvasir/contracts'
import { lastValueFrom } from 'rxjs'
import { type EngineMail, EngineMailbox, type EngineMailboxOptions } from '../live/engine-mailbox.js'
import { EngineClient, type EngineEvents } from './engine-client.js'
import { Handlers } from './handlers.js'
import type { TransportNews } from './news.js'
import { Said } from './said.js'

export interface EngineTransportOptions extends Omit<EngineMailboxOptions, 'unreadable'> {
  /** Whose owner writes the documents. */
  readonly pool: string
  readonly news: TransportNews
}

/**
 * An engine's documents as Nest's event `document`, one at a time: while a handler is busy only the newest of the others waits. What the
 * handler passes on goes to the engine's driver. Where a handler fails, the document is handled again at the next tick or heartbeat.
 */
export class EngineTransport extends Handlers {
  /** What the engine says: the client half. */
  readonly client: EngineEvents
  readonly #options: EngineTransportOptions
  readonly #mailbox: EngineMailbox
  /** Where documents go; set before the application is started. */
  #deliver: ((document: EngineDocument) => void) | undefined
  #sent: Promise<void> = Promise.resolve()

  constructor(options: EngineTransportOptions) {
    super(['document'])
    const { pool: actor, engine: peer, news } = options
    this.#options = options
    this.#mailbox = new EngineMailbox({
      ...options,
      unreadable: (problems) => news({ actor, peer, kind: 'unreadable', problems }),
    })
    this.client = new EngineClient(this.#mailbox)
  }

  /** For the engine's driver, which speaks through the client half. */
  mail(deliver: (document: EngineDocument) => void): EngineMail {
    this.#deliver = deliver
    return {
      send: (message) => {
        this.#sent = this.#emit(message)
      },
      again: () => this.#mailbox.again(),
      close: async () => {
        await this.#sent
        await this.#mailbox.close()
      },
    }
  }

  override listen(callback: (error?: unknown) => void): void {
    super.listen((error) => {
      if (error === undefined) this.#open()
      callback(error)
    })
  }

  /** The application is there though the store is not yet. */
  #open(): void {
    const { pool: actor, engine: peer, news } = this.#options
    this.#mailbox
      .open((document) => this.#document(document))
      .catch((error: unknown) => news({ actor, peer, kind: 'deaf', error }))
  }

  async #document(document: EngineDocument): Promise<boolean> {
    const { pool: actor, engine: peer, news } = this.#options
    const handling = await this.handle('document', document, new Said<EngineDocument>({ actor, peer }))
    if (handling.kind === 'failed')
      news({ actor, peer, kind: 'handler_failed', pattern: 'document', error: handling.error })
    if (handling.kind === 'passed') this.#deliver?.(handling.message)
    return handling.kind !== 'failed'
  }

  async #emit(message: EngineMessage): Promise<void> {
    await lastValueFrom(this.client.emit(message.kind, message))
  }
}
