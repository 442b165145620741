import { invariant, SeededRng } from '@kvasir/kernel'
import { normalCdf, studentT975 } from './distributions.js'

/** 95 % of the time it holds the true value. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * Fewer values than this have no interval: were there no effect at all, four values would agree on a side one time in eight, five
 * one time in sixteen, and no resampling knows more than the values do.
 */
export const VALUES_MIN = 5

const RESAMPLES = 2_000
/** One stream for all: equal values have equal intervals, wherever and in whatever order they come. */
const SEED = 1

/** Mean and sample standard deviation. */
export function momentsOf(values: readonly number[]): { readonly mean: number; readonly sd: number } {
  invariant(values.length > 0, () => 'no values have no mean')
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, sd: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) }
}

/** Interval of a mean; undefined below {@link VALUES_MIN} values. */
export function meanInterval(values: readonly number[]): Interval | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return bootstrap(sorted.length, (draw) => {
    let sum = 0
    for (const i of draw) sum += sorted[i]
    return sum / sorted.length
  })
}

/** Two numbers that belong together, such as of the same seed. */
export interface Pair {
  readonly subject: number
  readonly baseline: number
}

/** Interval of the mean difference of pairs: what both share, such as a seed with heavy requests, cancels out. */
export function pairedDifferenceInterval(pairs: readonly Pair[]): Interval | undefined {
  return meanInterval(pairs.map(({ subject, baseline }) => subject - baseline))
}

/** Interval of the ratio of both means, pairs drawn as pairs; undefined where a baseline is not above 0. */
export function pairedRatioInterval(pairs: readonly Pair[]): Interval | undefined {
  if (pairs.some(({ baseline }) => baseline <= 0)) return undefined
  const sorted = [...pairs].sort((a, b) => a.baseline - b.baseline || a.subject - b.subject)
  return bootstrap(sorted.length, (draw) => {
    let subject = 0
    let baseline = 0
    for (const i of draw) {
      subject += sorted[i].subject
      baseline += sorted[i].baseline
    }
    return subject / baseline
  })
}

/** Interval of the difference of two means that share nothing. */
export function unpairedDifferenceInterval(
  subject: readonly number[],
  baseline: readonly number[],
): Interval | undefined {
  if (Math.min(subject.length, baseline.length) < VALUES_MIN) return undefined
  const a = [...subject].sort((x, y) => x - y)
  const b = [...baseline].sort((x, y) => x - y)
  const rng = new SeededRng(SEED, 'bootstrap')
  const meanOfDraw = (values: readonly number[]) => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[rng.int(values.length)]
    return sum / values.length
  }
  const statistics = Float64Array.from({ length: RESAMPLES }, () => meanOfDraw(a) - meanOfDraw(b))
  return percentiles(statistics, Math.min(a.length, b.length))
}

/** @param statistic of one resample: places in 0..count-1, `count` of them. */
function bootstrap(count: number, statistic: (draw: Int32Array) => number): Interval | undefined {
  if (count < VALUES_MIN) return undefined
  const rng = new SeededRng(SEED, 'bootstrap')
  const draw = new Int32Array(count)
  const statistics = new Float64Array(RESAMPLES)
  for (let i = 0; i < RESAMPLES; i++) {
    for (let j = 0; j < count; j++) draw[j] = rng.int(count)
    statistics[i] = statistic(draw)
  }
  return percentiles(statistics, count)
}

/**
 * The percentiles that hold 95 %. Plain 2.5 and 97.5 would be too narrow for few values; the expanded percentile interval goes
 * as far out as Student's t does (T. Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, section 4.2.2).
 */
function percentiles(statistics: Float64Array, count: number): Interval {
  statistics.sort()
  const tail = normalCdf(-Math.sqrt(count / (count - 1)) * studentT975(count - 1))
  const skip = Math.floor(tail * RESAMPLES)
  return { low: statistics[skip], high: statistics[RESAMPLES - 1 - skip] }
}
