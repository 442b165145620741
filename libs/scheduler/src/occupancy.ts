import type { Lifecycle } from './lifecycle.js'
import { heldCostUs, returnCostUs } from './return-cost.js'

/**
 * Which candidate for stopping lies in which bundle. A bundle comes free when all its holders are stopped, so only the number of
 * distinct holders counts, not how many blocks each has there or shares.
 */
export interface Occupancy {
  /** By candidate: its slot, its priority, the cost of bringing it back, and the same with its last block taken for full. */
  readonly slots: readonly number[]
  readonly priorities: readonly number[]
  readonly costs: readonly number[]
  readonly heldCosts: readonly number[]
  /** Candidate c lies in the bundles `items[starts[c] .. starts[c + 1])`, each named once. */
  readonly starts: Int32Array
  readonly items: Int32Array
  /** By bundle: sequences that lie in it, candidates or not. */
  readonly holders: Int32Array
  /** By bundle: cached blocks that are forgotten when it goes. */
  readonly cached: Int32Array
}

/** O(blocks held). `eligible` says which running slots may be stopped. */
export function mapOccupancy(life: Lifecycle, eligible: (slot: number) => boolean): Occupancy {
  const { pool, tables, running, runningCount } = life
  const holders = new Int32Array(pool.bundleIdLimit)
  const seenBy = new Int32Array(pool.bundleIdLimit).fill(-1)
  const slots: number[] = []
  const priorities: number[] = []
  const costs: number[] = []
  const heldCosts: number[] = []
  const starts: number[] = [0]
  const items: number[] = []
  for (let i = 0; i < runningCount; i++) {
    const slot = running[i]
    const candidate = eligible(slot)
    const blocks = tables.view(slot)
    for (let j = 0; j < blocks.length; j++) {
      const bundle = pool.bundleOf(blocks[j])
      if (seenBy[bundle] === i) continue
      seenBy[bundle] = i
      holders[bundle]++
      if (candidate) items.push(bundle)
    }
    if (!candidate) continue
    slots.push(slot)
    priorities.push(life.store.priority[slot])
    costs.push(returnCostUs(life, slot))
    heldCosts.push(heldCostUs(life, blocks.length))
    starts.push(items.length)
  }
  const cached = holders.map((_, bundle) => pool.cachedInBundle(bundle))
  return {
    slots,
    priorities,
    costs,
    heldCosts,
    starts: Int32Array.from(starts),
    items: Int32Array.from(items),
    holders,
    cached,
  }
}

/** A set of candidates being put together, and the bundles that stopping them would free. */
export class VictimSet {
  freed = 0
  cost = 0
  /** Cached blocks in the bundles freed. */
  forgotten = 0
  readonly chosen: boolean[]
  readonly #occupancy: Occupancy
  /** By bundle: holders not chosen. */
  readonly #left: Int32Array

  constructor(occupancy: Occupancy) {
    this.#occupancy = occupancy
    this.#left = occupancy.holders.slice()
    this.chosen = new Array<boolean>(occupancy.slots.length).fill(false)
  }

  add(candidate: number): void {
    const { starts, items, costs, cached } = this.#occupancy
    this.chosen[candidate] = true
    this.cost += costs[candidate]
    for (let j = starts[candidate]; j < starts[candidate + 1]; j++) {
      if (--this.#left[items[j]] > 0) continue
      this.freed++
      this.forgotten += cached[items[j]]
    }
  }

  remove(candidate: number): void {
    const { starts, items, costs, cached } = this.#occupancy
    this.chosen[candidate] = false
    this.cost -= costs[candidate]
    for (let j = starts[candidate]; j < starts[candidate + 1]; j++) {
      if (this.#left[items[j]]++ > 0) continue
      this.freed--
      this.forgotten -= cached[items[j]]
    }
  }

  /** Whether it costs less than another one, or the same and forgets less. */
  beats(other: VictimSet): boolean {
    return this.cost < other.cost || (this.cost === other.cost && this.forgotten < other.forgotten)
  }

  /** Leaves out whoever is not needed for `bundles`, the most expensive first. */
  giveBack(bundles: number): void {
    const { costs } = this.#occupancy
    const byCost: number[] = []
    for (let c = 0; c < this.chosen.length; c++) if (this.chosen[c]) byCost.push(c)
    byCost.sort((a, b) => costs[b] - costs[a] || b - a)
    for (const candidate of byCost) {
      this.remove(candidate)
      if (this.freed < bundles) this.add(candidate)
    }
  }

  /** The chosen candidates, ascending. */
  members(): number[] {
    const members: number[] = []
    for (let c = 0; c < this.chosen.length; c++) if (this.chosen[c]) members.push(c)
    return members
  }
}
