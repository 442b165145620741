import { MICROS_PER_SECOND, type Micros } from '@kvasir/kernel'
import type { LengthLaw } from '../generators/length-law.js'

/** A log-normal law with what it was fitted to. */
export interface FittedLengths {
  readonly mu: number
  readonly sigma: number
  readonly min: number
  readonly max: number
}

/** Rate and burstiness of arrivals. */
export interface FittedArrivals {
  readonly ratePerS: number
  /** Of the gaps: standard deviation ÷ mean; 1 is Poisson. */
  readonly cv: number
}

/** Arrivals that come in episodes, with pauses between them. */
export interface FittedPauses {
  /** Inside an episode. */
  readonly ratePerS: number
  readonly cv: number
  readonly meanEpisodeS: number
  readonly meanPauseS: number
}

/** First harmonic of a rate over a day. */
export interface FittedDay {
  readonly meanRatePerS: number
  readonly amplitude: number
  readonly peakS: number
}

/** Maximum likelihood: mean and standard deviation of the logarithms. */
export function fitLogNormal(lengths: readonly number[]): FittedLengths {
  const logs = lengths.map((length) => Math.log(length))
  const { mean, deviation } = moments(logs)
  let min = Infinity
  let max = -Infinity
  for (const length of lengths) {
    min = Math.min(min, length)
    max = Math.max(max, length)
  }
  return { mu: mean, sigma: deviation, min, max }
}

/** Mean rate between the first and the last arrival, and the gaps' coefficient of variation. */
export function fitArrivals(arrivalsUs: readonly Micros[]): FittedArrivals {
  const { mean, deviation } = moments(gapsOf(arrivalsUs))
  return { ratePerS: MICROS_PER_SECOND / mean, cv: deviation / mean }
}

/** A pause is a gap above `meanGaps` times the mean gap; what lies between two pauses is an episode. */
export function fitPauses(arrivalsUs: readonly Micros[], meanGaps: number): FittedPauses {
  const gaps = gapsOf(arrivalsUs)
  const leastUs = meanGaps * moments(gaps).mean
  const pauses = gaps.filter((gap) => gap > leastUs)
  const inside = gaps.filter((gap) => gap <= leastUs)
  const { mean, deviation } = moments(inside)
  return {
    ratePerS: MICROS_PER_SECOND / mean,
    cv: deviation / mean,
    meanEpisodeS: (mean * inside.length) / (pauses.length + 1) / MICROS_PER_SECOND,
    meanPauseS: moments(pauses).mean / MICROS_PER_SECOND,
  }
}

/** Index of dispersion, variance ÷ mean, of the counts in windows of this length; 1 is Poisson. */
export function dispersion(arrivalsUs: readonly Micros[], windowUs: Micros): number {
  const windows = Math.floor((arrivalsUs.at(-1) ?? 0) / windowUs)
  const counts = Array.from({ length: windows }, () => 0)
  for (const us of arrivalsUs) if (us < windows * windowUs) counts[Math.floor(us / windowUs)]++
  const { mean, deviation } = moments(counts)
  return deviation ** 2 / mean
}

/**
 * Least squares of mean·(1 + amplitude·cos(2π(t - peak)/period)) on equally spaced samples over whole
 * periods.
 */
export function fitDay(
  samples: readonly { readonly atS: number; readonly ratePerS: number }[],
  periodS: number,
): FittedDay {
  let total = 0
  let cosine = 0
  let sine = 0
  for (const { atS, ratePerS } of samples) {
    const angle = (2 * Math.PI * atS) / periodS
    total += ratePerS
    cosine += ratePerS * Math.cos(angle)
    sine += ratePerS * Math.sin(angle)
  }
  const meanRatePerS = total / samples.length
  const phase = Math.atan2(sine, cosine)
  const peakS = ((phase < 0 ? phase + 2 * Math.PI : phase) / (2 * Math.PI)) * periodS
  return { meanRatePerS, amplitude: (2 * Math.hypot(cosine, sine)) / total, peakS }
}

export function lawOf(fit: FittedLengths): LengthLaw {
  return { kind: 'log_normal', ...fit }
}

function gapsOf(arrivalsUs: readonly Micros[]): readonly Micros[] {
  return arrivalsUs.slice(1).map((us, i) => us - arrivalsUs[i])
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / values.length
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return { mean, deviation: Math.sqrt(squares / values.length) }
}
