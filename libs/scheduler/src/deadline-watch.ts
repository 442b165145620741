import type { Micros } from '@kvasir/kernel'
import { leastPrefillUs } from './admission.js'
import { LazyHeap } from './lazy-heap.js'
import type { Lifecycle } from './lifecycle.js'
import { SLOT_WAITING } from './sequence-store.js'

const nobody: readonly number[] = []

/**
 * Finds waiting sequences whose deadline has become unreachable: they would miss it even if they were computed next and alone.
 * Those that have run already are left alone, for they may have put out tokens.
 *
 * A heap of the last moments at which each could still begin. They are estimated without the prefix cache, so that the heap is
 * right whatever the cache does, and looked at again with it when their time comes.
 */
export class DeadlineWatch {
  readonly #life: Lifecycle
  readonly #lastMoments = new LazyHeap()

  constructor(life: Lifecycle) {
    this.#life = life
  }

  /** A new sequence waits. */
  watch(slot: number): void {
    const { deadlineUs, promptTokens } = this.#life.store.input(slot)
    if (deadlineUs !== undefined) {
      this.#lastMoments.push(deadlineUs - leastPrefillUs(this.#life.costs, promptTokens), slot)
    }
  }

  /** Slots that wait in vain, in the order in which their time ran out. */
  overdue(now: Micros): readonly number[] {
    if (this.#lastMoments.least >= now) return nobody
    const slots = new Set<number>()
    while (this.#lastMoments.least < now) {
      this.#lastMoments.pop()
      const slot = this.#lastMoments.item
      if (!this.#neverRan(slot)) continue
      const lastMomentUs = this.#lastMomentUs(slot)
      if (lastMomentUs < now) slots.add(slot)
      else if (lastMomentUs < Infinity) this.#lastMoments.push(lastMomentUs, slot)
    }
    return [...slots]
  }

  #neverRan(slot: number): boolean {
    const { state, preemptions } = this.#life.store
    return state[slot] === SLOT_WAITING && preemptions[slot] === 0
  }

  /** Of the sequence that has the slot now: an entry may be older than it. */
  #lastMomentUs(slot: number): Micros {
    const { store, tables, costs, blockSize, config } = this.#life
    const { deadlineUs = Infinity, promptTokens } = store.input(slot)
    const most = config.prefixCaching ? Math.floor((promptTokens - 1) / blockSize) : 0
    const found = tables.findPrefix(slot, store.content(slot), most).blocks
    return deadlineUs - leastPrefillUs(costs, promptTokens - found * blockSize)
  }
}
