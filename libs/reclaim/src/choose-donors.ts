import { compareIds, invariant } from '@kvasir/kernel'
import { cover } from './cover.js'
import { DonorTable } from './donor-table.js'
import {
  type Choice,
  type ChoiceInput,
  type DonorClass,
  EXACT_CELLS_MAX,
  sumOfBundles,
  sumOfCosts,
} from './donor-class.js'
import { fillBack } from './fill-back.js'
import { NONE } from './relaxation.js'

/**
 * Chooses who frees what, over all donors together, at the least total cost: exactly while what a bound leaves open takes at most
 * `exactCellsMax` of work, else by the best of several greedy orders. Nothing is taken that could be given back.
 *
 * The result does not depend on the order of classes. When `needed` cannot be freed but `min` can, everything is.
 */
export function chooseDonors(input: ChoiceInput): Choice {
  const { needed, min = needed, classes, exactCellsMax = EXACT_CELLS_MAX } = input
  for (const { donor, points } of classes)
    for (const { bundles, cost } of points)
      invariant(
        Number.isSafeInteger(bundles) && bundles >= 0 && cost >= 0 && cost < Infinity,
        () => `${donor} offers ${bundles} bundles at ${cost}`,
      )
  if (needed <= 0) return { kind: 'chosen', picks: [], cost: 0, freed: 0, exact: true }
  const table = new DonorTable(input)
  const available = table.reach()
  if (available < needed && (available < min || available === 0)) return { kind: 'infeasible', available }
  return solve(table, Math.min(needed, available), exactCellsMax)
}

/** Most bundles that all donors together could free within their rooms. */
export function reachableBundles(
  classes: readonly DonorClass[],
  rooms?: ReadonlyMap<string, number>,
): number {
  return new DonorTable({ classes, ...(rooms === undefined ? {} : { rooms }) }).reach()
}

function solve(table: DonorTable, target: number, cellsMax: number): Choice {
  const { menus, exact: complete } = table.menus(target)
  const { selection, exact } = cover(menus, target, cellsMax)
  const taken = menus.flatMap((menu, m) => (selection[m] === NONE ? [] : menu.picksOf(selection[m])))
  const picks = [...fillBack(taken, table.classMenus, target)].sort(
    (a, b) => compareIds(a.donor, b.donor) || a.classIndex - b.classIndex,
  )
  return {
    kind: 'chosen',
    picks,
    cost: sumOfCosts(picks),
    freed: sumOfBundles(picks),
    exact: exact && complete,
  }
}
