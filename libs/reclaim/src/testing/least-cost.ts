import type { ChoiceInput } from '../donor-class.js'

/** Least cost by trying everything; Infinity when nothing covers. For a handful of classes. */
export function leastCost(input: ChoiceInput): number {
  const { needed, classes, rooms } = input
  const freed = new Map<string, number>()
  const search = (at: number, covered: number): number => {
    if (covered >= needed) return 0
    if (at === classes.length) return Infinity
    const { donor, points } = classes[at]
    let best = search(at + 1, covered)
    const given = freed.get(donor) ?? 0
    for (const { bundles, cost } of points) {
      if (given + bundles > (rooms?.get(donor) ?? Infinity)) continue
      freed.set(donor, given + bundles)
      best = Math.min(best, cost + search(at + 1, covered + bundles))
      freed.set(donor, given)
    }
    return best
  }
  return search(0, 0)
}
