import { invariant, MICROS_PER_SECOND, type Micros, SeededRng, unreachable } from '@kvasir/kernel'
import { type GapLaw, type GapSampler, gapSampler } from './gaps.js'
import { ModulatedRate, type RateState } from './modulated-rate.js'
import { PiecewiseLinearRate, type RatePoint } from './piecewise-linear-rate.js'
import { ConstantRate, diurnalRate, flashCrowdRate, type RateClock } from './rate-clock.js'

/**
 * When requests arrive: a rate curve and a law of the gaps on it. Where `gaps` may be given it is Poisson
 * by default; see rate-clock.ts for how the two combine.
 */
export type ArrivalSpec =
  /** Every 1/rate seconds. */
  | { readonly kind: 'constant'; readonly ratePerS: number }
  | { readonly kind: 'poisson'; readonly ratePerS: number }
  | { readonly kind: 'gamma'; readonly ratePerS: number; readonly cv: number }
  | { readonly kind: 'weibull'; readonly ratePerS: number; readonly cv: number }
  | { readonly kind: 'modulated'; readonly states: readonly RateState[]; readonly gaps?: GapLaw | undefined }
  | {
      readonly kind: 'flash_crowd'
      readonly baseRatePerS: number
      readonly peakRatePerS: number
      readonly startS: number
      readonly holdS: number
      readonly decayS: number
      readonly gaps?: GapLaw | undefined
    }
  | {
      readonly kind: 'diurnal'
      readonly meanRatePerS: number
      /** 0 is flat, 1 falls to nothing. */
      readonly amplitude: number
      /** A day by default. */
      readonly periodS?: number | undefined
      /** Time of the first peak; by default the middle of the period, so that a run begins in the trough. */
      readonly peakS?: number | undefined
      readonly gaps?: GapLaw | undefined
    }
  | {
      readonly kind: 'curve'
      readonly points: readonly RatePoint[]
      /** Repeats the curve; without it the last rate stays. */
      readonly periodS?: number | undefined
      readonly gaps?: GapLaw | undefined
    }
  /** Recorded arrivals at `speed` times their rate, once or end to end for ever. */
  | {
      readonly kind: 'replay'
      readonly arrivalsUs: readonly Micros[]
      readonly speed: number
      readonly repeat?: boolean | undefined
    }

/** Arrival times in order; undefined when no more come. */
export interface ArrivalProcess {
  next(): Micros | undefined
}

export const SECONDS_PER_DAY = 86_400

const POISSON: GapLaw = { kind: 'exponential' }

/** Draws from the streams `<name>/arrivals` and, for the states of a modulated rate, `<name>/states`. */
export function createArrivals(spec: ArrivalSpec, seed: number, name: string): ArrivalProcess {
  if (spec.kind === 'replay') return new ReplayedArrivals(spec)
  return new DrawnArrivals(
    rateOf(spec, seed, name),
    gapSampler(gapsOf(spec)),
    new SeededRng(seed, `${name}/arrivals`),
  )
}

/** A renewal process of unit rate, stretched by a rate curve. */
class DrawnArrivals implements ArrivalProcess {
  #rate: RateClock
  #drawGap: GapSampler
  #rng: SeededRng

  constructor(rate: RateClock, drawGap: GapSampler, rng: SeededRng) {
    this.#rate = rate
    this.#drawGap = drawGap
    this.#rng = rng
  }

  next(): Micros | undefined {
    const atUs = Math.round(this.#rate.after(this.#drawGap(this.#rng)) * MICROS_PER_SECOND)
    return atUs <= Number.MAX_SAFE_INTEGER ? atUs : undefined
  }
}

class ReplayedArrivals implements ArrivalProcess {
  #arrivalsUs: readonly Micros[]
  #speed: number
  /** Length of one repetition; undefined plays once. */
  #periodUs: Micros | undefined
  #next = 0
  #offsetUs: Micros = 0

  constructor(spec: { arrivalsUs: readonly Micros[]; speed: number; repeat?: boolean | undefined }) {
    invariant(spec.speed > 0 && spec.speed < Infinity, () => `replay speed ${spec.speed} is not above 0`)
    invariant(isSorted(spec.arrivalsUs), () => 'recorded arrivals are not in order')
    this.#arrivalsUs = spec.arrivalsUs
    this.#speed = spec.speed
    const periodUs = repetitionUs(spec.arrivalsUs)
    invariant(spec.repeat !== true || periodUs > 0, () => 'recorded arrivals that span no time cannot repeat')
    this.#periodUs = spec.repeat === true ? periodUs : undefined
  }

  next(): Micros | undefined {
    if (this.#next === this.#arrivalsUs.length && this.#periodUs !== undefined) {
      this.#next = 0
      this.#offsetUs += this.#periodUs
    }
    const arrivalUs = this.#arrivalsUs[this.#next]
    if (arrivalUs === undefined) return undefined
    this.#next++
    return Math.round((arrivalUs + this.#offsetUs) / this.#speed)
  }
}

/**
 * How long one repetition of these arrivals takes: up to the last one and one mean gap more, so that the
 * rate stays what it was across the seam.
 */
export function repetitionUs(arrivalsUs: readonly Micros[]): Micros {
  const first = arrivalsUs[0] ?? 0
  const last = arrivalsUs.at(-1) ?? 0
  const gapUs = arrivalsUs.length > 1 ? Math.round((last - first) / (arrivalsUs.length - 1)) : 0
  return last - first + gapUs
}

function rateOf(spec: Exclude<ArrivalSpec, { kind: 'replay' }>, seed: number, name: string): RateClock {
  switch (spec.kind) {
    case 'constant':
    case 'poisson':
    case 'gamma':
    case 'weibull':
      return new ConstantRate(spec.ratePerS)
    case 'modulated':
      return new ModulatedRate(spec.states, new SeededRng(seed, `${name}/states`))
    case 'flash_crowd':
      return flashCrowdRate(spec)
    case 'diurnal': {
      const periodS = spec.periodS ?? SECONDS_PER_DAY
      const { meanRatePerS, amplitude } = spec
      return diurnalRate({ meanRatePerS, amplitude, periodS, peakS: spec.peakS ?? periodS / 2 })
    }
    case 'curve':
      return new PiecewiseLinearRate(spec.points, spec.periodS)
    default:
      return unreachable(spec)
  }
}

function gapsOf(spec: Exclude<ArrivalSpec, { kind: 'replay' }>): GapLaw {
  switch (spec.kind) {
    case 'constant':
      return { kind: 'constant' }
    case 'poisson':
      return POISSON
    case 'gamma':
    case 'weibull':
      return { kind: spec.kind, cv: spec.cv }
    default:
      return spec.gaps ?? POISSON
  }
}

function isSorted(timesUs: readonly Micros[]): boolean {
  return timesUs.every((timeUs, i) => i === 0 || timeUs >= (timesUs[i - 1] ?? 0))
}
