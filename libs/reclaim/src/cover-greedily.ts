import { firstWith, type Menu } from './menu.js'
import { costOf, lighten, NONE, type Selection } from './relaxation.js'

/**
 * A cheap selection that frees at least `target` bundles when the exact one would take too long. Two greedy orders, by cost per
 * bundle and by cost per bundle that is still needed; after every step the cheapest single dish that would finish is tried as well
 * (the first of these is the single cheapest cover). Everything found gives back what it need not take, the best is kept.
 *
 * Plain ratio greedy alone is never used: one huge group that is cheap per bundle swallows a small need, at 5 times the least cost on
 * average (reference/coordination.md §5.3). With the finishing step the orders are the classic 2-approximation of covering
 * knapsack for single points (Csirik et al. 1991).
 *
 * @param menus that can cover the target.
 */
export function coverGreedily(menus: readonly Menu[], target: number): Selection {
  let best: Selection | null = null
  for (const order of [perBundle, perNeededBundle])
    for (const candidate of greedyCandidates(menus, target, order)) {
      const selection = lighten(menus, candidate, target)
      if (best === null || costOf(menus, selection) < costOf(menus, best)) best = selection
    }
  return best ?? new Int32Array(menus.length).fill(NONE)
}

/** Price of more bundles, given how many are still needed. */
type Order = (bundles: number, cost: number, needed: number) => number

function perBundle(bundles: number, cost: number): number {
  return cost / bundles
}

function perNeededBundle(bundles: number, cost: number, needed: number): number {
  return cost / Math.min(bundles, needed)
}

/** The greedy selection and the best one that left the greedy path for a single finishing dish. */
function greedyCandidates(menus: readonly Menu[], target: number, order: Order): readonly Selection[] {
  const taken = new Int32Array(menus.length).fill(NONE)
  let needed = target
  let spent = 0
  let finished: Selection | null = null
  let finishedCost = Infinity
  while (needed > 0) {
    const step = nextStep(menus, taken, needed, order)
    if (step.finish !== NONE && spent + step.finishCost < finishedCost) {
      finishedCost = spent + step.finishCost
      finished = taken.slice()
      finished[step.finishMenu] = step.finish
    }
    const { menu, dish, cost } = step
    needed -= menus[menu].bundles[dish] - (taken[menu] === NONE ? 0 : menus[menu].bundles[taken[menu]])
    spent += cost
    taken[menu] = dish
  }
  return finished === null ? [taken] : [taken, finished]
}

interface Step {
  /** The best dish by the order. */
  dish: number
  menu: number
  cost: number
  /** The cheapest dish that covers all that is needed; NONE when none does. */
  finish: number
  finishMenu: number
  finishCost: number
}

function nextStep(menus: readonly Menu[], taken: Selection, needed: number, order: Order): Step {
  const step: Step = { dish: NONE, menu: NONE, cost: 0, finish: NONE, finishMenu: NONE, finishCost: Infinity }
  let price = Infinity
  for (let m = 0; m < menus.length; m++) {
    const { bundles, costs } = menus[m]
    const now = taken[m]
    const [hasBundles, hasCost] = now === NONE ? [0, 0] : [bundles[now], costs[now]]
    for (let dish = now + 1; dish < bundles.length; dish++) {
      const cost = costs[dish] - hasCost
      const asked = order(bundles[dish] - hasBundles, cost, needed)
      if (asked >= price) continue
      price = asked
      step.dish = dish
      step.menu = m
      step.cost = cost
    }
    const finish = firstWith(menus[m], hasBundles + needed)
    if (finish === bundles.length || costs[finish] - hasCost >= step.finishCost) continue
    step.finishCost = costs[finish] - hasCost
    step.finish = finish
    step.finishMenu = m
  }
  return step
}
