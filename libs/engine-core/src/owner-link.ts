import type { Cancel, Heartbeat, Join, Leave, PreemptionRequest } from '@kvasir/contracts'
import type { EngineOptions } from './engine-options.js'
import type { MemoryNeed } from './memory-need.js'
import type { Outbox } from './outbox.js'

type Numbered = Join | Leave | PreemptionRequest | Cancel

/**
 * What an engine says to the owner of its pool. What must not be lost is numbered, and repeated after every heartbeat until a
 * document says that it was processed: the link may lose, double or reorder anything.
 */
export class OwnerLink {
  readonly #options: EngineOptions
  readonly #outbox: Outbox
  #number = 0
  #unprocessed: Numbered[] = []

  constructor(options: EngineOptions, outbox: Outbox) {
    this.#options = options
    this.#outbox = outbox
  }

  join(): void {
    this.#post({ kind: 'join', ...this.#stamp(), model: this.#options.model })
  }

  leave(): void {
    this.#post({ kind: 'leave', ...this.#stamp() })
  }

  request(id: string, need: MemoryNeed): void {
    const withinUs = this.#options.requestWithinUs
    this.#post({ kind: 'request', ...this.#stamp(), id, ...need, class: 'auto', withinUs })
  }

  cancel(id: string): void {
    this.#post({ kind: 'cancel', ...this.#stamp(), id })
  }

  heartbeat(heartbeat: Heartbeat): void {
    this.#outbox.send(heartbeat)
    for (const message of this.#unprocessed) this.#outbox.send(message)
  }

  /** Whether nothing that was said needs to be said again. */
  get settled(): boolean {
    return this.#unprocessed.length === 0
  }

  /** The owner has processed everything up to and including this number. */
  processed(through: number): void {
    this.#unprocessed = this.#unprocessed.filter(({ number }) => number > through)
  }

  #post(message: Numbered): void {
    this.#unprocessed.push(message)
    this.#outbox.send(message)
  }

  #stamp(): { engine: string; incarnation: number; number: number } {
    const { engine, incarnation } = this.#options
    return { engine, incarnation, number: ++this.#number }
  }
}
