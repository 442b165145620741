import type { ChoiceInput } from '../donor-class.js'

/**
 * Least cost to free what is needed, one point a class, without regard to rooms: the textbook's table over classes and bundles, written
 * apart from what it judges. Infinity when it cannot be freed.
 */
export function plainOptimum({ needed, classes }: ChoiceInput): number {
  let costs = new Float64Array(needed + 1).fill(Infinity)
  costs[0] = 0
  for (const { points } of classes) {
    const next = costs.slice()
    for (const { bundles, cost } of points)
      for (let freed = 1; freed <= needed; freed++) {
        const total = cost + costs[freed > bundles ? freed - bundles : 0]
        if (total < next[freed]) next[freed] = total
      }
    costs = next
  }
  return costs[needed]
}
