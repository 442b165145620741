import type { Tick } from '@kvasir/coordinator-core'
import { budgetsIn } from './bell-text.js'
import type { Bells } from './bells.js'
import type { ActorKeys } from './keys.js'

type Listener = (tick: Tick) => void

/** What commits of one actor have for its peers. Budgets come for all of them together, and are told apart here, once. */
export class Ticks {
  readonly #bells: Bells
  readonly #keys: ActorKeys
  readonly #listeners = new Map<string, Set<Listener>>()
  #silence: Promise<() => void> | undefined

  constructor(bells: Bells, keys: ActorKeys) {
    this.#bells = bells
    this.#keys = keys
  }

  /** Answers how to stop. */
  async onTick(peer: string, listener: Listener): Promise<() => void> {
    const listeners = this.#listeners.get(peer) ?? new Set()
    this.#listeners.set(peer, listeners.add(listener))
    this.#silence ??= this.#bells.listen(this.#keys.budgets, (text) => this.#tell(text))
    const silence = await this.#bells.listen(this.#keys.tick(peer), (text) =>
      listener(text === '' ? { kind: 'missed' } : { kind: 'document', text }),
    )
    await this.#silence
    return () => {
      silence()
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(peer)
      if (this.#listeners.size === 0) this.#close()
    }
  }

  /** What came before the connection was lost is said by the ticks of documents. */
  #tell(text: string): void {
    for (const [peer, budget] of budgetsIn(text))
      for (const listener of this.#listeners.get(peer) ?? []) listener({ kind: 'budget', text: budget })
  }

  #close(): void {
    void this.#silence?.then((silence) => silence())
    this.#silence = undefined
  }
}
