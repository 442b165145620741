import { invariant } from '@kvasir/kernel'

/** Steps an octave of costs is divided into: a class's highest cost is at most an eighth above its lowest. */
const STEPS = 8

/** Classes of whole costs below 2^53. */
export const COST_CLASSES = (53 - 2) * STEPS

/**
 * The class of a whole cost, rising with it. Costs below 16 have one each. By integers alone: logarithms may round differently
 * elsewhere.
 */
export function costClass(cost: number): number {
  invariant(Number.isSafeInteger(cost) && cost >= 0, () => `a cost of ${cost}: not whole, or not countable`)
  if (cost < STEPS) return cost
  let octave = 0
  let rest = cost
  while (rest >= 2 ** 28) {
    rest = Math.floor(rest / 2 ** 24)
    octave += 24
  }
  // Shifted until the leading bit and the three behind it are left.
  const shift = 28 - Math.clz32(rest)
  return (octave + shift) * STEPS + (rest >> shift)
}

/** The highest cost of a class. */
export function highestCost(costClass: number): number {
  if (costClass < STEPS) return costClass
  const shift = Math.floor(costClass / STEPS) - 1
  return ((costClass % STEPS) + STEPS + 1) * 2 ** shift - 1
}
