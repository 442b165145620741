import { type Pick, sumOfBundles } from './donor-class.js'
import type { Menu } from './menu.js'

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
    else picks[change.at] = change.instead
  }
  return picks
}

interface Change {
  readonly at: number
  /** Null: left out. */
  readonly instead: Pick | null
  readonly saved: number
  /** Bundles the donor keeps. */
  readonly kept: number
}

function bestChange(picks: readonly Pick[], menus: readonly Menu[], excess: number): Change | null {
  let best: Change | null = null
  const isBetter = (saved: number, kept: number): boolean =>
    kept >= 1 &&
    kept <= excess &&
    saved >= 0 &&
    (best === null || saved > best.saved || (saved === best.saved && kept > best.kept))
  picks.forEach((pick, at) => {
    if (isBetter(pick.cost, pick.bundles)) best = { at, instead: null, saved: pick.cost, kept: pick.bundles }
    const menu = menus[pick.classIndex]
    for (let dish = 0; dish < menu.bundles.length; dish++) {
      const [saved, kept] = [pick.cost - menu.costs[dish], pick.bundles - menu.bundles[dish]]
      if (isBetter(saved, kept)) best = { at, instead: menu.picksOf(dish)[0], saved, kept }
    }
  })
  return best
}
