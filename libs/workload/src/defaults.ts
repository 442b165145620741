import { invariant } from '@kvasir/kernel'
import {
  lawOf,
  type FittedArrivals,
  type FittedDay,
  type FittedLengths,
  type FittedPauses,
} from './fitting/fit.js'
import { type ArrivalSpec, SECONDS_PER_DAY } from './generators/arrivals.js'
import type { LengthSpec } from './generators/length-law.js'
import type { ModelLoad, WorkloadSpec } from './generators/workload.js'
import { ARENA_REQUESTS } from './models/arena-models.js'

/** Arrivals and lengths of one real trace, or of one model of it. */
export interface FittedTrace {
  /** Undefined for a trace without arrival times. */
  readonly arrivals?: FittedArrivals | undefined
  /** For arrivals so bursty that a gamma law would put dozens of requests into one instant. */
  readonly pauses?: FittedPauses | undefined
  readonly prompt: FittedLengths
  readonly output: FittedLengths
}

/**
 * Fitted to the files of shared/data/traces (sources and licences in its README) by `node
 * tools/fit-workload.mjs`; real-traces.spec.ts fits again and compares. Lengths are log-normal by maximum
 * likelihood, clamped to the smallest and largest seen. Means come out within a quarter of the real ones
 * (`--table` prints both), but for mooncake-synthetic's prompts, which are no log-normal: two thirds too
 * long. Where that matters, draw from the trace's own pairs instead.
 */
export const FITTED_TRACES: ReadonlyMap<string, FittedTrace> = new Map<string, FittedTrace>([
  [
    'azure-conv',
    {
      arrivals: { ratePerS: 5.53, cv: 1.094 },
      prompt: { mu: 6.633, sigma: 0.9852, min: 2, max: 14050 },
      output: { mu: 5.019, sigma: 0.859, min: 7, max: 1000 },
    },
  ],
  [
    'azure-code',
    {
      arrivals: { ratePerS: 2.566, cv: 13.15 },
      pauses: { ratePerS: 8.615, cv: 2.657, meanEpisodeS: 19.96, meanPauseS: 48.36 },
      prompt: { mu: 6.999, sigma: 1.36, min: 3, max: 7437 },
      output: { mu: 2.788, sigma: 0.8472, min: 6, max: 1899 },
    },
  ],
  [
    'mooncake-conversation',
    {
      arrivals: { ratePerS: 3.401, cv: 3.034 },
      prompt: { mu: 8.737, sigma: 1.199, min: 891, max: 126195 },
      output: { mu: 5.336, sigma: 1.358, min: 1, max: 2000 },
    },
  ],
  [
    'mooncake-synthetic',
    {
      arrivals: { ratePerS: 3.906, cv: 1.011 },
      prompt: { mu: 7.982, sigma: 2.7, min: 13, max: 191378 },
      output: { mu: 3.916, sigma: 1.768, min: 1, max: 893 },
    },
  ],
  [
    'arena',
    {
      arrivals: { ratePerS: 2.498, cv: 1.104 },
      prompt: { mu: 3.772, sigma: 1.639, min: 2, max: 1021 },
      output: { mu: 4.943, sigma: 1.381, min: 2, max: 977 },
    },
  ],
  [
    'servegen',
    {
      arrivals: { ratePerS: 52.7, cv: 1.364 },
      prompt: { mu: 5.388, sigma: 1.313, min: 4, max: 66423 },
      output: { mu: 3.114, sigma: 1.852, min: 1, max: 26595 },
    },
  ],
  [
    'servegen/deepseek-r1',
    {
      arrivals: { ratePerS: 5.782, cv: 1.25 },
      prompt: { mu: 5.616, sigma: 1.481, min: 4, max: 43446 },
      output: { mu: 6.278, sigma: 0.7322, min: 43, max: 26595 },
    },
  ],
  [
    'servegen/m-large',
    {
      arrivals: { ratePerS: 14.64, cv: 1.627 },
      prompt: { mu: 6.448, sigma: 0.6972, min: 12, max: 12997 },
      output: { mu: 3.182, sigma: 1.374, min: 1, max: 8192 },
    },
  ],
  [
    'servegen/m-mid',
    {
      arrivals: { ratePerS: 15.4, cv: 1.342 },
      prompt: { mu: 5.628, sigma: 0.9122, min: 28, max: 66423 },
      output: { mu: 3.142, sigma: 1.406, min: 1, max: 8192 },
    },
  ],
  [
    'servegen/m-small',
    {
      arrivals: { ratePerS: 16.89, cv: 1.568 },
      prompt: { mu: 4.173, sigma: 0.9639, min: 13, max: 64561 },
      output: { mu: 1.946, sigma: 1.51, min: 1, max: 866 },
    },
  ],
  [
    'arxiv-summarization',
    {
      prompt: { mu: 7.717, sigma: 0.7548, min: 1, max: 4054 },
      output: { mu: 5.187, sigma: 0.7956, min: 5, max: 4056 },
    },
  ],
])

/**
 * First harmonic of a day of ServeGen's production rates (servegen_rates_10min.csv; 14 days of m-*, one day
 * of the others). The rates are as published, hundreds of times what a test cluster serves: scale them.
 */
export const FITTED_DAYS: ReadonlyMap<string, FittedDay> = new Map<string, FittedDay>([
  ['deepseek-r1', { meanRatePerS: 16.01, amplitude: 0.5196, peakS: 1810 }],
  ['m-large', { meanRatePerS: 195.8, amplitude: 0.1212, peakS: 68180 }],
  ['m-mid', { meanRatePerS: 1790, amplitude: 0.06583, peakS: 22080 }],
  ['m-small', { meanRatePerS: 1174, amplitude: 0.2289, peakS: 62390 }],
  ['mm-image', { meanRatePerS: 9.475, amplitude: 0.2136, peakS: 47190 }],
])

export type DefaultWorkload =
  | 'azure-conv'
  | 'azure-code'
  | 'mooncake-conversation'
  | 'mooncake-synthetic'
  | 'arena'
  | 'servegen'

/**
 * A generator that resembles a real trace at `rateFactor` times its rate: gamma gaps with the trace's
 * coefficient of variation (azure-code: episodes of such gaps between pauses), log-normal lengths, and the
 * trace's models by their share of its requests. It does not reproduce what happens on longer scales (the
 * traces' counts per minute vary more), what ties outputs to prompts, or shared prefixes.
 */
export function defaultWorkload(name: DefaultWorkload, rateFactor = 1): WorkloadSpec {
  return { name, arrivals: arrivalsOf(name, rateFactor), models: modelsOf(name) }
}

function arrivalsOf(name: DefaultWorkload, rateFactor: number): ArrivalSpec {
  const { ratePerS, cv } = fittedArrivals(name)
  const pauses = FITTED_TRACES.get(name)?.pauses
  if (pauses === undefined) return { kind: 'gamma', ratePerS: ratePerS * rateFactor, cv }
  const states = [
    { ratePerS: pauses.ratePerS * rateFactor, meanStayS: pauses.meanEpisodeS },
    { ratePerS: 0, meanStayS: pauses.meanPauseS },
  ]
  return { kind: 'modulated', states, gaps: { kind: 'gamma', cv: pauses.cv } }
}

/** A day of one ServeGen model at `meanRatePerS`, from midnight of the trace's clock. */
export function defaultDay(model: string, meanRatePerS: number): ArrivalSpec | undefined {
  const day = FITTED_DAYS.get(model)
  if (day === undefined) return undefined
  return {
    kind: 'diurnal',
    meanRatePerS,
    amplitude: day.amplitude,
    periodS: SECONDS_PER_DAY,
    peakS: day.peakS,
  }
}

function modelsOf(name: DefaultWorkload): readonly ModelLoad[] {
  switch (name) {
    case 'servegen':
      return SERVEGEN_MODELS.map((model) => {
        const fit = `servegen/${model}`
        return { model, share: fittedArrivals(fit).ratePerS, lengths: fittedLengths(fit) }
      })
    case 'arena':
      return ARENA_REQUESTS.map(([model, requests]) => ({
        model,
        share: requests,
        lengths: fittedLengths('arena'),
      }))
    default:
      return [{ model: undefined, share: 1, lengths: fittedLengths(name) }]
  }
}

const SERVEGEN_MODELS = ['deepseek-r1', 'm-large', 'm-mid', 'm-small'] as const

function fittedArrivals(name: string): FittedArrivals {
  const arrivals = FITTED_TRACES.get(name)?.arrivals
  invariant(arrivals !== undefined, () => `no arrivals were fitted for ${name}`)
  return arrivals
}

function fittedLengths(name: string): LengthSpec {
  const fit = FITTED_TRACES.get(name)
  invariant(fit !== undefined, () => `no lengths were fitted for ${name}`)
  return { kind: 'independent', prompt: lawOf(fit.prompt), output: lawOf(fit.output) }
}
