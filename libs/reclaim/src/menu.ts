import { compareIds } from '@kvasir/kernel'
import type { DonorClass, Pick, SupplyOption } from './donor-class.js'

/**
 * Alternatives of which at most one is taken, as parallel arrays: each dish frees more than the one before it and costs more. A class is
 * a menu; so is everything a donor can give within its room.
 */
export interface Menu {
  readonly bundles: readonly number[]
  readonly costs: readonly number[]
  /** What has to be taken for a dish. */
  picksOf(dish: number): readonly Pick[]
}

/** A class as a menu: without points above `room`, and without points that cost as much as one that frees more. */
export function menuOfClass(donorClass: DonorClass, classIndex: number, room: number): Menu {
  const { donor, priority, points } = donorClass
  const { bundles, costs } = undominated(points, room)
  return {
    bundles,
    costs,
    picksOf: (dish) => [{ classIndex, donor, priority, bundles: bundles[dish], cost: costs[dish] }],
  }
}

/** Every point of a class up to `room`, fewest bundles first: what costs more and frees less may still be all that fits. */
export function pointsOfClass(donorClass: DonorClass, classIndex: number, room: number): Menu {
  const { donor, priority } = donorClass
  const points = donorClass.points
    .filter(({ bundles }) => bundles > 0 && bundles <= room)
    .sort((a, b) => a.bundles - b.bundles || a.cost - b.cost)
  return {
    bundles: points.map(({ bundles }) => bundles),
    costs: points.map(({ cost }) => cost),
    picksOf: (dish) => [{ classIndex, donor, priority, ...points[dish] }],
  }
}

interface Dishes {
  readonly bundles: readonly number[]
  readonly costs: readonly number[]
}

function undominated(points: readonly SupplyOption[], room: number): Dishes {
  if (points.length === 1) {
    const [{ bundles, cost }] = points
    return bundles > 0 && bundles <= room ? { bundles: [bundles], costs: [cost] } : { bundles: [], costs: [] }
  }
  const falling = points
    .filter(({ bundles }) => bundles > 0 && bundles <= room)
    .sort((a, b) => b.bundles - a.bundles || a.cost - b.cost)
  const kept: SupplyOption[] = []
  for (const point of falling)
    if (kept.length === 0 || point.cost < kept[kept.length - 1].cost) kept.push(point)
  kept.reverse()
  return { bundles: kept.map(({ bundles }) => bundles), costs: kept.map(({ cost }) => cost) }
}

/** Position of the first, cheapest dish that frees at least so many; the number of dishes when none does. */
export function firstWith(menu: Menu, least: number): number {
  const { bundles } = menu
  let low = 0
  let high = bundles.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (bundles[middle] < least) low = middle + 1
    else high = middle
  }
  return low
}

/** Most bundles a menu can free. */
export function mostOf({ bundles }: Menu): number {
  return bundles.length === 0 ? 0 : bundles[bundles.length - 1]
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
