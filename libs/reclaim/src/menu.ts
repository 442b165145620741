import { compareIds } from '@kvasir/kernel'
import { type DonorClass, type Pick, type SupplyOption, sumOfBundles, sumOfCosts } from './donor-class.js'

/** One way out of a menu: what it frees and costs, and what has to be taken for it. */
export interface Dish extends SupplyOption {
  readonly picks: readonly Pick[]
}

/** Alternatives of which at most one is taken, fewest bundles first; dearer ones always free more. */
export type Menu = readonly Dish[]

/** A class as a menu: without points above `room`, and without points that cost more than one that frees as much. */
export function menuOfClass(donorClass: DonorClass, classIndex: number, room: number): Menu {
  const { donor, priority, points } = donorClass
  const dishes = points
    .filter(({ bundles }) => bundles > 0 && bundles <= room)
    .map(
      ({ bundles, cost }): Dish => ({
        bundles,
        cost,
        picks: [{ classIndex, donor, priority, bundles, cost }],
      }),
    )
  return undominated(dishes)
}

/** Drops what costs more than something that frees at least as much; of equals one stays. */
export function undominated(dishes: readonly Dish[]): Menu {
  const sorted = [...dishes].sort((a, b) => b.bundles - a.bundles || a.cost - b.cost)
  const kept: Dish[] = []
  for (const dish of sorted) {
    const last = kept[kept.length - 1]
    if (
      last === undefined ||
      dish.cost < last.cost ||
      (dish.cost === last.cost && dish.bundles < last.bundles)
    )
      kept.push(dish)
  }
  return kept.reverse()
}

/** Without points that free more than `target` but the cheapest of them: nobody needs the others. */
export function cutAt(menu: Menu, target: number): Menu {
  const enough = menu.findIndex(({ bundles }) => bundles >= target)
  return enough < 0 ? menu : menu.slice(0, enough + 1)
}

/** Most bundles a set of menus can free. */
export function reachOf(menus: readonly Menu[]): number {
  return menus.reduce((sum, menu) => sum + (menu.length === 0 ? 0 : menu[menu.length - 1].bundles), 0)
}

export function pointsOf(menus: readonly Menu[]): number {
  return menus.reduce((sum, menu) => sum + menu.length, 0)
}

/** Positions of the classes in an order that does not depend on the input's: donor, priority, then points. */
export function canonicalOrder(classes: readonly DonorClass[]): readonly number[] {
  return classes
    .map((_, i) => i)
    .sort((a, b) => {
      const [one, other] = [classes[a], classes[b]]
      return (
        compareIds(one.donor, other.donor) ||
        one.priority - other.priority ||
        comparePoints(one.points, other.points)
      )
    })
}

function comparePoints(one: readonly SupplyOption[], other: readonly SupplyOption[]): number {
  for (let k = 0; k < Math.min(one.length, other.length); k++) {
    const difference = one[k].bundles - other[k].bundles || one[k].cost - other[k].cost
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

/** A cheaper selection is better; of equally dear ones the one that frees less. */
export function isBetter(picks: readonly Pick[], than: readonly Pick[] | null): boolean {
  if (than === null) return true
  const difference = sumOfCosts(picks) - sumOfCosts(than)
  return difference < 0 || (difference === 0 && sumOfBundles(picks) < sumOfBundles(than))
}
