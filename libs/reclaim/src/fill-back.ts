import { type Pick, sumOfBundles } from './donor-class.js'
import type { Dish, Menu } from './menu.js'

/**
 * Gives back what a selection frees beyond `target`: as long as a pick can be left out or replaced by a smaller point of its class, the
 * change that saves most (of equal ones, that keeps most bundles) is made. What remains is irredundant.
 *
 * @param menus the alternatives of each class, by its position.
 */
export function fillBack(
  selection: readonly Pick[],
  menus: readonly Menu[],
  target: number,
): readonly Pick[] {
  const picks = [...selection]
  let excess = sumOfBundles(picks) - target
  while (excess > 0) {
    const change = bestChange(picks, menus, excess)
    if (change === null) break
    excess -= change.kept
    if (change.instead === null) picks.splice(change.at, 1)
    else picks[change.at] = change.instead.picks[0]
  }
  return picks
}

interface Change {
  readonly at: number
  /** Null: left out. */
  readonly instead: Dish | null
  readonly saved: number
  /** Bundles the donor keeps. */
  readonly kept: number
}

function bestChange(picks: readonly Pick[], menus: readonly Menu[], excess: number): Change | null {
  let best: Change | null = null
  const consider = (change: Change): void => {
    if (change.kept < 1 || change.kept > excess || change.saved < 0) return
    if (
      best === null ||
      change.saved > best.saved ||
      (change.saved === best.saved && change.kept > best.kept)
    )
      best = change
  }
  picks.forEach((pick, at) => {
    consider({ at, instead: null, saved: pick.cost, kept: pick.bundles })
    for (const dish of menus[pick.classIndex])
      consider({ at, instead: dish, saved: pick.cost - dish.cost, kept: pick.bundles - dish.bundles })
  })
  return best
}
