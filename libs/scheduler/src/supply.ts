import type { SupplyPoint } from '@kvasir/contracts'
import { type Bundles, invariant } from '@kvasir/kernel'
import { ChangedSlots } from '@kvasir/kv-cache'
import type { Lifecycle } from './lifecycle.js'
import type { Ranking } from './ranking.js'
import { SupplyBook } from './supply-book.js'

export type { SupplyPoint } from '@kvasir/contracts'

/** Most points of a curve: `SUPPLY_POINTS_MAX` of the contracts, whose schemas a pure library does not load. */
const pointsMax = 16

/**
 * What it costs to free 1, 2, 4, ... bundles beyond those that are free, by stopping running sequences of exactly one priority:
 * points of different priorities may be added up (together they free at least as many). Within a priority the numbers are
 * cumulative. Priorities ascend; the lowest ones have the most points where not all find room.
 *
 * The costs are upper bounds, each the lesser of those in the two orders of `bundle-rank.ts`. `releaseBundles` tries both orders
 * and finds the same victims or cheaper ones.
 */
export function supplyPoints(life: Lifecycle, book: SupplyBook): SupplyPoint[] {
  book.refresh()
  const priorities = prioritiesOf(life)
  const points: SupplyPoint[] = []
  for (let i = 0; i < priorities.length && points.length < pointsMax; i++) {
    const room = Math.ceil((pointsMax - points.length) / (priorities.length - i))
    points.push(...pointsOf(book, priorities[i], room))
  }
  return points
}

/** The book kept up to date says what one made now would. @throws {InvariantError} */
export function auditSupply(life: Lifecycle, book: SupplyBook): void {
  const kept = JSON.stringify(supplyPoints(life, book))
  const made = JSON.stringify(supplyPoints(life, new SupplyBook(life, new ChangedSlots())))
  invariant(kept === made, () => `supply curve ${kept}, made anew ${made}`)
}

function prioritiesOf({ store: { priority }, running, runningCount }: Lifecycle): number[] {
  const distinct = new Set<number>()
  for (let i = 0; i < runningCount; i++) distinct.add(priority[running[i]])
  return Array.from(distinct).sort((a, b) => a - b)
}

/** What costs as much as more bundles is no point of its own: one stop may free many. */
function pointsOf(book: SupplyBook, priority: number, room: number): SupplyPoint[] {
  const byBundle = new RankWalk(book, book.byBundle, priority)
  const byShare = new RankWalk(book, book.byShare, priority)
  const points: SupplyPoint[] = []
  for (let bundles = 1; bundles <= byBundle.total; bundles *= 2) {
    const costUs = Math.min(byBundle.costOf(bundles), byShare.costOf(bundles))
    if (points.at(-1)?.costUs === costUs) points.pop()
    if (points.length === room) break
    points.push({ priority, bundles, costUs })
  }
  return points
}

/** Stops the sequences of a priority one by one, in the order of a ranking. */
class RankWalk {
  /** Bundles that come free when all are stopped. */
  readonly total: Bundles
  readonly #book: SupplyBook
  readonly #ranking: Ranking
  readonly #slots: readonly number[]
  #next = 0
  #freed: Bundles = 0
  #cost = 0

  constructor(book: SupplyBook, ranking: Ranking, priority: number) {
    this.#book = book
    this.#ranking = ranking
    this.#slots = book.ranked(priority, ranking)
    this.total = this.#slots.reduce((sum, slot) => sum + ranking.frees(slot), 0)
  }

  /** Of freeing so many, `total` at most; asked for ascending numbers only. */
  costOf(bundles: Bundles): number {
    while (this.#freed < bundles) {
      const slot = this.#slots[this.#next++]
      this.#cost += this.#book.costUs(slot)
      this.#freed += this.#ranking.frees(slot)
    }
    return this.#cost
  }
}
