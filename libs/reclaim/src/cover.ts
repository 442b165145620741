import { cellsOf, coverExactly, type OpenChoice } from './cover-exactly.js'
import { coverSparsely } from './cover-sparsely.js'
import { coverGreedily } from './cover-greedily.js'
import type { Menu } from './menu.js'
import { bundlesOf, costOf, NONE, relax, type Relaxation, type Selection } from './relaxation.js'

/** A sum in a map is about as much work as so many cells of a table. */
const SPARSE_FACTOR = 50

export interface Cover {
  readonly selection: Selection
  /** Whether no cheaper selection exists. */
  readonly exact: boolean
}

/** Closest calls that are weighed against each other first, and how many times as many each time that is not enough. */
const FIRST_CALLS = 64
const MORE_CALLS = 4

/**
 * The cheapest selection, one dish a menu at most, that frees at least `target` bundles.
 *
 * 1. A linear relaxation gives a price a bundle, a lower bound, a favourite of each menu, and a good selection.
 * 2. Taking anything but the favourite lifts the bound. What lifts it above the cost of the best selection known is in no better one
 *    (Ingargiola and Korsh 1973), so that it need not be looked at.
 * 3. The closest calls, those that lift the bound least, are settled exactly. Once these are all that a better selection could be
 *    made of, the best one known is the best there is; else more of them are looked at (Balas and Zemel 1980).
 * 4. Where that would take more than `cellsMax` of work, greedy orders have the last word.
 *
 * @param menus that can cover the target.
 */
export function cover(menus: readonly Menu[], target: number, cellsMax: number): Cover {
  const search = new Search(menus, target, relax(menus, target))
  for (let calls = FIRST_CALLS; search.room >= 0; calls *= MORE_CALLS) {
    const lift = search.liftOfCalls(calls)
    if (!search.settle(lift, cellsMax)) {
      const greedy = coverGreedily(menus, target)
      return { selection: costOf(menus, greedy) < search.cost ? greedy : search.best, exact: false }
    }
    if (lift >= search.room) break
  }
  return { selection: search.best, exact: true }
}

/** The best selection so far, and what a better one could be like. */
class Search {
  readonly #menus: readonly Menu[]
  readonly #target: number
  readonly #relaxation: Relaxation
  /** Costs are whole: a better selection is better by 1 at least. */
  readonly #whole: boolean
  best: Selection
  cost: number

  constructor(menus: readonly Menu[], target: number, relaxation: Relaxation) {
    this.#menus = menus
    this.#target = target
    this.#relaxation = relaxation
    this.#whole = menus.every(({ costs }) => costs.every(Number.isSafeInteger))
    this.best = relaxation.selection
    this.cost = costOf(menus, this.best)
  }

  /** What a better selection may lie above the lower bound; below 0: there is none. */
  get room(): number {
    // Sums of doubles: what is closer than this is the same.
    const blur = 1e-11 * this.cost
    return this.cost - this.#relaxation.lower + (this.#whole ? blur - 1 : -blur)
  }

  /** The lift up to which so many options lie that are nobody's favourite, the room at most. */
  liftOfCalls(calls: number): number {
    const { room } = this
    const lifts: number[] = []
    for (let m = 0; m < this.#menus.length; m++)
      for (const dish of this.#optionsOf(m, room)) lifts.push(this.#liftOf(m, dish))
    const place = calls + this.#menus.length
    return lifts.length <= place ? room : Float64Array.from(lifts).sort()[place]
  }

  /** Keeps the best selection of options that lift the bound no more than that. False when to find it is too much work. */
  settle(lift: number, cellsMax: number): boolean {
    const open = this.#openChoice(lift)
    const selection = this.#relaxation.favourites.slice()
    for (const m of open.menus) selection[m] = NONE
    const target = this.#target - bundlesOf(this.#menus, selection)
    const found =
      cellsOf(open, target) <= cellsMax
        ? coverExactly(this.#menus, open, target, selection)
        : coverSparsely(this.#menus, open, target, selection, cellsMax / SPARSE_FACTOR)
    if (found === null) return false
    if (!found) return true
    const cost = costOf(this.#menus, selection)
    if (cost < this.cost) {
      this.best = selection
      this.cost = cost
    }
    return true
  }

  /** Menus with more than their favourite to choose from. */
  #openChoice(lift: number): OpenChoice {
    const open: { menus: number[]; options: (readonly number[])[] } = { menus: [], options: [] }
    for (let m = 0; m < this.#menus.length; m++) {
      const options = this.#optionsOf(m, lift)
      if (options.length < 2) continue
      open.menus.push(m)
      open.options.push(options)
    }
    return open
  }

  /** Rising, with the favourite. */
  #optionsOf(m: number, lift: number): readonly number[] {
    const { bundles } = this.#menus[m]
    const options: number[] = []
    for (let dish = NONE; dish < bundles.length; dish++) {
      if (dish !== this.#relaxation.favourites[m] && this.#liftOf(m, dish) > lift) continue
      options.push(dish)
      // More than the target is never of use.
      if (dish !== NONE && bundles[dish] >= this.#target) break
    }
    return options
  }

  /** What taking a dish instead of the favourite adds to the lower bound. */
  #liftOf(m: number, dish: number): number {
    const { price, values } = this.#relaxation
    const value = dish === NONE ? 0 : this.#menus[m].costs[dish] - price * this.#menus[m].bundles[dish]
    return value - values[m]
  }
}
