/**
 * What can be asked of a set of numbers, however it is kept.
 *
 * Percentiles are nearest-rank everywhere: the percentile p of n values is the ceil(p·n/100)-th smallest, so it is a value
 * that was measured, never one between two. (Interpolation would invent latencies that no request had, and could not be
 * done alike by an exact set and by a histogram.)
 */
export interface Samples {
  readonly count: number
  /** Arithmetic mean; undefined when empty. */
  mean(): number | undefined
  /** Smallest value; undefined when empty. */
  min(): number | undefined
  /** Largest value; undefined when empty. */
  max(): number | undefined
  /** Nearest-rank percentile, `percent` in 0..100; undefined when empty. 0 answers the smallest value. */
  percentile(percent: number): number | undefined
}

/**
 * 1-based rank of a percentile among `count` values. Exact for percentages that are whole: their product with a count is
 * a whole number, and only the division rounds.
 */
export function nearestRank(percent: number, count: number): number {
  return Math.min(count, Math.max(1, Math.ceil((percent * count) / 100)))
}
