import type { Blocks } from '@kvasir/kernel'
import type { ChangedSlots } from '@kvasir/kv-cache'
import { BundleHolders } from './bundle-holders.js'
import { bundleOfRank, partsEach, rankByBundle, rankByShare } from './bundle-rank.js'
import { costClass, highestCost } from './cost-class.js'
import type { Lifecycle } from './lifecycle.js'
import { nobody, Ranking, widened } from './ranking.js'
import { heldCostUs } from './return-cost.js'

const noClass = -1

/**
 * What stopping running sequences would free and cost, kept from one reading to the next: a reading pays for the blocks taken and
 * the sequences stopped since the last one, not for all that are held.
 *
 * A sequence costs what bringing back all of its blocks does, the last one taken for full: so the cost changes only when its
 * table does. Sequences are stopped in one of two orders (`bundle-rank.ts`). A bundle held by sequences of different priorities
 * counts for neither. Costs and ranks go by classes an eighth wide, so a bundle is looked at again when somebody joined or
 * left it, or one of its holders has changed by about as much.
 */
export class SupplyBook {
  readonly byBundle = new Ranking()
  readonly byShare = new Ranking()
  readonly #life: Lifecycle
  readonly #changes: ChangedSlots
  readonly #holders = new BundleHolders()
  /** Host memory that was free when costs were last computed. */
  #hostBlocks: Blocks
  /** By slot: entries of its table that are booked, its cost, the class of it, and its parts of bundles. */
  #booked = new Int32Array(0)
  #costs = new Float64Array(0)
  #costClasses = new Int32Array(0)
  #parts = new Float64Array(0)
  /** By bundle, as last looked at: how many hold it, and the class of what they cost together, none where they differ in priority. */
  #held = new Int32Array(0)
  #bundleClasses = new Int32Array(0)
  /** By bundle: 1 while it waits to be looked at. */
  #stale = new Uint8Array(0)
  readonly #staleBundles: number[] = []
  /** Bundles whose class has changed; and slots with a bundle each that they joined, in pairs. */
  readonly #reweighed: number[] = []
  readonly #joined: number[] = []
  /** Sequences whose share may have changed, and those whose cheapest bundle is not that any more. */
  readonly #shifted = new Set<number>()
  readonly #bereft = new Set<number>()
  /** Holdings looked at so far: what the book has cost. */
  work = 0

  /** @param changes where it hears of changed tables; nobody else may drain it. */
  constructor(life: Lifecycle, changes: ChangedSlots) {
    this.#life = life
    this.#hostBlocks = life.swap.freeBlocks
    this.#changes = changes
    for (let i = 0; i < life.runningCount; i++) this.#changes.noteGrown(life.running[i])
  }

  /** Brings the book up to date. O(holdings of the bundles and sequences that changed). */
  refresh(): void {
    this.#grow()
    // 1. Who holds what, and what it costs.
    this.#changes.drain((slot, wasReleased) => this.#book(slot, wasReleased))
    this.#followHostMemory()
    // 2. What that makes of bundles.
    for (const bundle of this.#staleBundles) this.#share(bundle)
    for (const bundle of this.#staleBundles) this.#weigh(bundle)
    // 3. What that makes of ranks: bundles of those who move are looked at too.
    this.#rankByBundle()
    for (const slot of this.#shifted) this.#rankByShare(slot)
    this.#shifted.clear()
    // 4. With whom bundles come free.
    for (const bundle of this.#staleBundles) this.#findLast(bundle)
    this.#staleBundles.length = 0
  }

  costUs(slot: number): number {
    return this.#costs[slot]
  }

  /** Slots of running sequences of a priority, in the order of a ranking. O(running x log running). */
  ranked(priority: number, ranking: Ranking): number[] {
    const { running, runningCount, store } = this.#life
    const slots: number[] = []
    for (let i = 0; i < runningCount; i++)
      if (store.priority[running[i]] === priority && this.#booked[running[i]] > 0) slots.push(running[i])
    return slots.sort((a, b) => ranking.compare(a, b))
  }

  // --- 1. sequences ---

  #book(slot: number, wasReleased: boolean): void {
    if (wasReleased) this.#forget(slot)
    const { pool, tables } = this.#life
    const blocks = tables.view(slot)
    if (blocks.length === 0) return
    for (let i = this.#booked[slot]; i < blocks.length; i++) {
      this.work++
      const bundle = pool.bundleOf(blocks[i])
      if (!this.#holders.add(slot, bundle)) continue
      // As if it had always been there: `#share` tells all holders alike how the others' number has changed.
      this.#parts[slot] += partsEach(this.#held[bundle])
      this.#joined.push(slot, bundle)
      this.#markStale(bundle)
    }
    this.#booked[slot] = blocks.length
    this.#price(slot)
  }

  #forget(slot: number): void {
    this.#markAllStale(slot)
    this.#holders.removeAll(slot)
    this.#booked[slot] = 0
    this.#parts[slot] = 0
    this.#costClasses[slot] = noClass
    this.byBundle.setRank(slot, Infinity)
    this.byShare.setRank(slot, Infinity)
    this.#shifted.delete(slot)
  }

  #price(slot: number): void {
    this.#costs[slot] = heldCostUs(this.#life, this.#booked[slot])
    this.#shifted.add(slot)
    const before = this.#costClasses[slot]
    this.#costClasses[slot] = costClass(this.#costs[slot])
    if (this.#costClasses[slot] !== before) this.#markAllStale(slot)
  }

  /** What finds room in host memory now costs something else than before. O(running), where there is any. */
  #followHostMemory(): void {
    const { swap, running, runningCount } = this.#life
    if (swap.freeBlocks === this.#hostBlocks) return
    this.#hostBlocks = swap.freeBlocks
    for (let i = 0; i < runningCount; i++) if (this.#booked[running[i]] > 0) this.#price(running[i])
  }

  #markAllStale(slot: number): void {
    this.#holders.bundlesOf(slot, (bundle) => {
      this.work++
      this.#markStale(bundle)
    })
  }

  #markStale(bundle: number): void {
    if (this.#stale[bundle] === 1) return
    this.#stale[bundle] = 1
    this.#staleBundles.push(bundle)
  }

  // --- 2. bundles ---

  /** Divides a bundle among those who hold it now. */
  #share(bundle: number): void {
    const before = partsEach(this.#held[bundle])
    this.#held[bundle] = this.#holders.count(bundle)
    const difference = partsEach(this.#held[bundle]) - before
    if (difference === 0) return
    this.#holders.holdersOf(bundle, (slot) => {
      this.work++
      this.#parts[slot] += difference
      this.#shifted.add(slot)
    })
  }

  /** Finds out what emptying a bundle costs. */
  #weigh(bundle: number): void {
    const { priority } = this.#life.store
    let cost = 0
    let first = nobody
    let mixed = false
    this.#holders.holdersOf(bundle, (slot) => {
      this.work++
      cost += highestCost(this.#costClasses[slot])
      if (first === nobody) first = slot
      else if (priority[slot] !== priority[first]) mixed = true
    })
    const before = this.#bundleClasses[bundle]
    this.#bundleClasses[bundle] = first === nobody || mixed ? noClass : costClass(cost)
    if (this.#bundleClasses[bundle] !== before) this.#reweighed.push(bundle)
  }

  // --- 3. ranks ---

  /** Sequences are ranked by their cheapest bundle: only where that has become dearer are the others looked through. */
  #rankByBundle(): void {
    for (const bundle of this.#reweighed) {
      this.#holders.holdersOf(bundle, (slot) => {
        this.work++
        this.#consider(slot, bundle)
      })
    }
    for (let i = 0; i < this.#joined.length; i += 2) this.#consider(this.#joined[i], this.#joined[i + 1])
    for (const slot of this.#bereft) {
      let cheapest = Infinity
      this.#holders.bundlesOf(slot, (bundle) => {
        this.work++
        cheapest = Math.min(cheapest, this.#rankOfBundle(bundle))
      })
      if (this.byBundle.setRank(slot, cheapest)) this.#markAllStale(slot)
    }
    this.#reweighed.length = 0
    this.#joined.length = 0
    this.#bereft.clear()
  }

  #consider(slot: number, bundle: number): void {
    const rank = this.#rankOfBundle(bundle)
    const known = this.byBundle.rankOf(slot)
    if (rank > known && bundleOfRank(known) === bundle) this.#bereft.add(slot)
    if (rank < known && this.byBundle.setRank(slot, rank)) this.#markAllStale(slot)
  }

  #rankOfBundle(bundle: number): number {
    const known = this.#bundleClasses[bundle]
    return known === noClass ? Infinity : rankByBundle(known, bundle)
  }

  #rankByShare(slot: number): void {
    const rank = rankByShare(this.#costs[slot], this.#parts[slot])
    if (this.byShare.setRank(slot, rank)) this.#markAllStale(slot)
  }

  // --- 4. the last of a bundle's holders ---

  #findLast(bundle: number): void {
    this.#stale[bundle] = 0
    let lastByBundle = nobody
    let lastByShare = nobody
    if (this.#bundleClasses[bundle] !== noClass)
      this.#holders.holdersOf(bundle, (slot) => {
        this.work++
        if (lastByBundle === nobody || this.byBundle.compare(slot, lastByBundle) > 0) lastByBundle = slot
        if (lastByShare === nobody || this.byShare.compare(slot, lastByShare) > 0) lastByShare = slot
      })
    this.byBundle.setLast(bundle, lastByBundle)
    this.byShare.setLast(bundle, lastByShare)
  }

  /** Room for the slots and bundles there are now. */
  #grow(): void {
    const slots = this.#life.store.capacity
    this.#booked = widened(Int32Array, this.#booked, slots, 0)
    this.#costs = widened(Float64Array, this.#costs, slots, 0)
    this.#costClasses = widened(Int32Array, this.#costClasses, slots, noClass)
    this.#parts = widened(Float64Array, this.#parts, slots, 0)
    const bundles = this.#life.pool.bundleIdLimit
    this.#held = widened(Int32Array, this.#held, bundles, 0)
    this.#bundleClasses = widened(Int32Array, this.#bundleClasses, bundles, noClass)
    this.#stale = widened(Uint8Array, this.#stale, bundles, 0)
    this.byBundle.grow(slots, bundles)
    this.byShare.grow(slots, bundles)
  }
}
