import { invariant } from '@kvasir/kernel'
import { nearestRank, type Samples } from './samples.js'

export interface CdfPoint {
  readonly value: number
  /** Share of the samples that are at most `value`, in 0..1. */
  readonly fraction: number
}

/** Above this share the even grid is too coarse for the tail that everybody asks about. */
const TAIL_FRACTIONS = [0.99, 0.995, 0.999, 0.9999]

/**
 * The distribution of `samples` in about `points` steps: evenly spaced in probability, the usual tail percentiles
 * besides, the smallest and the largest value always. Ascending in both members; equal values are one point.
 * @param points steps of the even grid, at least 2.
 */
export function empiricalCdf(samples: Samples, points: number): readonly CdfPoint[] {
  invariant(Number.isInteger(points) && points >= 2, () => `a CDF needs at least 2 points, not ${points}`)
  const even = Array.from({ length: points }, (_, i) => i / (points - 1))
  const fractions = [...even, ...TAIL_FRACTIONS].sort((a, b) => a - b)
  const cdf: CdfPoint[] = []
  for (const wanted of fractions) {
    const value = samples.percentile(wanted * 100)
    if (value === undefined) break
    if (cdf.at(-1)?.value === value) cdf.pop()
    cdf.push({ value, fraction: nearestRank(wanted * 100, samples.count) / samples.count })
  }
  return cdf
}
