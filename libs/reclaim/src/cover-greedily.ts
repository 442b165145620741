import type { Pick } from './donor-class.js'
import { fillBack } from './fill-back.js'
import { type Dish, isBetter, type Menu } from './menu.js'

/**
 * A cheap selection that frees at least `target` bundles when the exact one would take too long. Two greedy orders, by cost per
 * bundle and by cost per bundle that is still needed; after every step the cheapest single dish that would finish is tried as well
 * (the first of these is the single cheapest cover). Everything found is filled back, the best is kept.
 *
 * Plain ratio greedy alone is never used: one huge group that is cheap per bundle swallows a small need, at 5 times the least cost on
 * average (reference/coordination.md §5.3). With the finishing step the orders are the classic 2-approximation of covering
 * knapsack for single points (Csirik et al. 1991).
 *
 * @param menus what may be combined; @param classMenus the alternatives of each class, for filling back.
 */
export function coverGreedily(
  menus: readonly Menu[],
  classMenus: readonly Menu[],
  target: number,
): readonly Pick[] {
  let best: readonly Pick[] | null = null
  for (const order of [perBundle, perNeededBundle])
    for (const candidate of greedyCandidates(menus, target, order)) {
      const chosen = candidate.flatMap((dish) => dish.picks)
      const picks = fillBack(chosen, classMenus, target)
      if (isBetter(picks, best)) best = picks
    }
  return best ?? []
}

/** Price of more bundles, given how many are still needed. */
type Order = (bundles: number, cost: number, needed: number) => number

function perBundle(bundles: number, cost: number): number {
  return cost / bundles
}

function perNeededBundle(bundles: number, cost: number, needed: number): number {
  return cost / Math.min(bundles, needed)
}

/** What has been taken so far: a dish of each menu or none. */
interface Table {
  readonly dishes: (Dish | null)[]
  readonly bundles: Float64Array
  readonly costs: Float64Array
}

/** The greedy selection and the best one that left the greedy path for a single finishing dish. */
function greedyCandidates(
  menus: readonly Menu[],
  target: number,
  order: Order,
): readonly (readonly Dish[])[] {
  const size = menus.length
  const table: Table = {
    dishes: new Array<Dish | null>(size).fill(null),
    bundles: new Float64Array(size),
    costs: new Float64Array(size),
  }
  let needed = target
  let spent = 0
  let finished: readonly Dish[] | null = null
  let finishedCost = Infinity
  while (needed > 0) {
    const step = nextStep(menus, table, needed, order)
    if (step.finish !== null && spent + step.finishCost < finishedCost) {
      finishedCost = spent + step.finishCost
      finished = taken(table.dishes.with(step.finishMenu, step.finish))
    }
    // Only an unreachable target gets here, and callers ask for the reach first.
    if (step.dish === null) return []
    const { menu, dish } = step
    needed -= dish.bundles - table.bundles[menu]
    spent += dish.cost - table.costs[menu]
    table.dishes[menu] = dish
    table.bundles[menu] = dish.bundles
    table.costs[menu] = dish.cost
  }
  const greedy = taken(table.dishes)
  return finished === null ? [greedy] : [greedy, finished]
}

function taken(dishes: readonly (Dish | null)[]): readonly Dish[] {
  return dishes.filter((dish) => dish !== null)
}

interface Step {
  /** The best dish by the order; null when nothing is left. */
  dish: Dish | null
  menu: number
  /** The cheapest dish that covers all that is needed; null when none does. */
  finish: Dish | null
  finishMenu: number
  finishCost: number
}

function nextStep(menus: readonly Menu[], table: Table, needed: number, order: Order): Step {
  const step: Step = { dish: null, menu: -1, finish: null, finishMenu: -1, finishCost: Infinity }
  let price = Infinity
  for (let m = 0; m < menus.length; m++) {
    const menu = menus[m]
    for (let k = 0; k < menu.length; k++) {
      const dish = menu[k]
      const bundles = dish.bundles - table.bundles[m]
      if (bundles <= 0) continue
      const cost = dish.cost - table.costs[m]
      const asked = order(bundles, cost, needed)
      if (asked < price) {
        price = asked
        step.dish = dish
        step.menu = m
      }
      if (bundles >= needed && cost < step.finishCost) {
        step.finishCost = cost
        step.finish = dish
        step.finishMenu = m
      }
    }
  }
  return step
}
