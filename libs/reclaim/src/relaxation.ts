import { firstWith, type Menu } from './menu.js'

/** A dish of each menu, or NONE. */
export type Selection = Int32Array
export const NONE = -1

/** What letting dishes be taken in part tells about taking them whole. */
export interface Relaxation {
  /** Cost of one bundle at the margin. */
  readonly price: number
  /** No selection that covers the target costs less. */
  readonly lower: number
  /** Of each menu, the dish (or NONE) that costs least when every bundle earns the price. */
  readonly favourites: Selection
  /** What each favourite costs less the price of its bundles: 0 or below. */
  readonly values: Float64Array
  /** A good selection that covers the target whole. */
  readonly selection: Selection
}

/** Prefixes of the order by price from which one more dish may finish. */
const PREFIXES_MAX = 24

/**
 * The linear relaxation of "one dish a menu at most, at least `target` bundles, least cost": steps along the lower convex hulls of the
 * menus, cheapest per bundle first, until the target is covered (Sinha and Zoltners 1979 for the knapsack with classes). The last step
 * sets the price. O(n log n) in the dishes.
 *
 * @param menus that can cover the target.
 */
export function relax(menus: readonly Menu[], target: number): Relaxation {
  const steps = stepsOf(menus)
  const order = steps.map((_, i) => i).sort((a, b) => steps[a].price - steps[b].price || a - b)
  let left = target
  let last = 0
  while (last < order.length - 1 && steps[order[last]].bundles < left) left -= steps[order[last++]].bundles
  const { price } = steps[order[last]]

  const taken = new Int32Array(menus.length).fill(NONE)
  for (let k = 0; k < last; k++) taken[steps[order[k]].menu] = steps[order[k]].dish
  const favourites = taken.slice()
  const values = new Float64Array(menus.length)
  let lower = price * target
  menus.forEach(({ bundles, costs }, m) => {
    const dish = taken[m]
    values[m] = dish === NONE ? 0 : costs[dish] - price * bundles[dish]
    lower += values[m]
  })
  return {
    price,
    lower,
    favourites,
    values,
    selection: finish(menus, target, { steps, order, last, taken, left }),
  }
}

/** From one vertex of a menu's hull to the next. */
interface Step {
  readonly menu: number
  readonly dish: number
  readonly from: number
  readonly bundles: number
  /** Cost per bundle. */
  readonly price: number
}

function stepsOf(menus: readonly Menu[]): readonly Step[] {
  const steps: Step[] = []
  menus.forEach((menu, m) => {
    let from = NONE
    for (const dish of hullOf(menu)) {
      const bundles = menu.bundles[dish] - (from === NONE ? 0 : menu.bundles[from])
      const cost = menu.costs[dish] - (from === NONE ? 0 : menu.costs[from])
      steps.push({ menu: m, dish, from, bundles, price: cost / bundles })
      from = dish
    }
  })
  return steps
}

/** Dishes on the lower convex hull of a menu and the origin, in rising order; the last dish is one of them. */
function hullOf({ bundles, costs }: Menu): readonly number[] {
  const hull: number[] = []
  for (let dish = 0; dish < bundles.length; dish++) {
    while (hull.length > 0) {
      const [before, last] = [hull.length > 1 ? hull[hull.length - 2] : NONE, hull[hull.length - 1]]
      const fromBundles = before === NONE ? 0 : bundles[before]
      const fromCost = before === NONE ? 0 : costs[before]
      const direct = (costs[dish] - fromCost) / (bundles[dish] - fromBundles)
      if ((costs[last] - fromCost) / (bundles[last] - fromBundles) < direct) break
      hull.pop()
    }
    hull.push(dish)
  }
  return hull
}

interface Path {
  readonly steps: readonly Step[]
  readonly order: readonly number[]
  /** Position of the step that covers the target. */
  readonly last: number
  /** After the steps before it; used up. */
  readonly taken: Selection
  /** Bundles still missing then. */
  readonly left: number
}

/** Leaves the path at its end or a little before, for the one dish that finishes at the least cost; then gives back what it can. */
function finish(
  menus: readonly Menu[],
  target: number,
  { steps, order, last, taken, left }: Path,
): Selection {
  let missing = left
  let spent = costOf(menus, taken)
  let best = taken
  let bestCost = Infinity
  for (let at = last; at >= 0 && at >= last - PREFIXES_MAX; at--) {
    for (let m = 0; m < menus.length; m++) {
      const menu = menus[m]
      const now = taken[m]
      const dish = firstWith(menu, missing + (now === NONE ? 0 : menu.bundles[now]))
      if (dish === menu.bundles.length) continue
      const cost = spent + menu.costs[dish] - (now === NONE ? 0 : menu.costs[now])
      if (cost >= bestCost) continue
      bestCost = cost
      best = taken.slice()
      best[m] = dish
    }
    if (at === 0) break
    const { menu, dish, from, bundles } = steps[order[at - 1]]
    taken[menu] = from
    missing += bundles
    spent -= menus[menu].costs[dish] - (from === NONE ? 0 : menus[menu].costs[from])
  }
  return lighten(menus, best, target)
}

/** Replaces dishes by smaller ones or none as long as the rest covers the target, each time where that saves most. */
export function lighten(menus: readonly Menu[], selection: Selection, target: number): Selection {
  let excess = bundlesOf(menus, selection) - target
  while (excess > 0) {
    let [at, instead, saved] = [NONE, NONE, 0]
    for (let m = 0; m < menus.length; m++) {
      const now = selection[m]
      if (now === NONE) continue
      const { bundles, costs } = menus[m]
      const dish = bundles[now] <= excess ? NONE : firstWith(menus[m], bundles[now] - excess)
      const saving = costs[now] - (dish === NONE ? 0 : costs[dish])
      if (saving <= saved) continue
      at = m
      instead = dish
      saved = saving
    }
    if (at === NONE) break
    excess -= menus[at].bundles[selection[at]] - (instead === NONE ? 0 : menus[at].bundles[instead])
    selection[at] = instead
  }
  return selection
}

export function costOf(menus: readonly Menu[], selection: Selection): number {
  let sum = 0
  for (let m = 0; m < menus.length; m++) if (selection[m] !== NONE) sum += menus[m].costs[selection[m]]
  return sum
}

export function bundlesOf(menus: readonly Menu[], selection: Selection): number {
  let sum = 0
  for (let m = 0; m < menus.length; m++) if (selection[m] !== NONE) sum += menus[m].bundles[selection[m]]
  return sum
}
