import type { TwinComparison, TwinLatency } from './compare-twins.js'

/** How undisturbed the live side was. */
export interface Quiet {
  /** How late a timer came in the process that measured, real microseconds. */
  readonly lagUs: Lag
  /** The same on the idle cluster, while its costs were measured. */
  readonly idleLagUs: Lag
  /** Share of the time in which some process of the machine waited for a core; null where the system does not say. */
  readonly cpuPressure: number | null
  /** Times faster than the modelled GPUs; below 1: slow motion, in which a delay weighs less. */
  readonly speed: number
}

/** Of a timer that is set again and again, microseconds. */
export interface Lag {
  readonly p50: number
  readonly p90: number
  readonly max: number
}

export type TwinVerdict =
  /** Medians are within `medians` of the simulated ones, tails within `tails` of the range of simulations. */
  | ({ readonly kind: 'agrees' } & TwinDistance)
  | ({ readonly kind: 'differs' } & TwinDistance)
  /** Requests ended otherwise than simulated: latencies are beside the point. */
  | { readonly kind: 'ended_otherwise'; readonly requests: number }
  /** The machine was too busy to tell. */
  | { readonly kind: 'not_judged'; readonly because: Unrest }
  /** Nothing finished on both sides. */
  | { readonly kind: 'nothing_to_compare' }

export type Unrest =
  /** One timer in ten came so much later than timers are off by themselves (`grainUs`), real microseconds. */
  | { readonly kind: 'lag'; readonly lagUs: number; readonly grainUs: number; readonly mostUs: number }
  /** For this share of the time somebody waited for a core. */
  | { readonly kind: 'pressure'; readonly share: number; readonly most: number }

/** The largest distances of all latencies of all models, as shares of what was simulated, without sign. */
export interface TwinDistance {
  readonly medians: number
  /** Null where too few requests have finished for a tail. */
  readonly tails: number | null
  /** Those that are so far. */
  readonly worst: { readonly median: TwinLatency; readonly tail: TwinLatency | undefined }
}

/** Latencies agree up to here. */
export const TWIN_TOLERANCE = 0.05
/** A lag above this share of the shortest time per token drowns what is compared. */
const LAG_SHARE_MOST = 0.1
/** Waiting for a core above this share of the time is other people's work, not the cluster's. */
const PRESSURE_MOST = 0.5
/** Below so many requests a p90 is one or two of them. */
const TAIL_REQUESTS_MIN = 30
/** What timers are off by at most where nobody is in their way: Node counts in whole milliseconds. Real microseconds. */
const TIMER_GRAIN_US = 1_000

/**
 * What a comparison comes to. Medians are held against the simulation. A p90 is held against the range of simulations whose costs are
 * off by what they are unsteady by: who is first when two engines want the group hangs on fractions of a millisecond, and moves the tail
 * of some hundred requests by a tenth. p99 is one or two of them, and is shown only, as a p90 of few is.
 */
export function judgeTwins({ agreement, latencies }: TwinComparison, quiet: Quiet): TwinVerdict {
  const otherwise = agreement.requests - agreement.sameEnd + agreement.miscounted.length
  if (otherwise > 0) return { kind: 'ended_otherwise', requests: otherwise }
  const because = unrestOf(latencies, quiet)
  if (because !== undefined) return { kind: 'not_judged', because }
  const judged = latencies.filter(({ gap }) => gap.p50 !== null)
  if (judged.length === 0) return { kind: 'nothing_to_compare' }
  const median = largest(judged, medianDistance)
  const many = judged.filter(({ paired }) => paired.pairs >= TAIL_REQUESTS_MIN)
  const tail = many.length === 0 ? undefined : largest(many, tailDistance)
  const distance = {
    medians: medianDistance(median),
    tails: tail === undefined ? null : tailDistance(tail),
    worst: { median, tail },
  }
  const isNear = Math.max(distance.medians, distance.tails ?? 0) <= TWIN_TOLERANCE
  return { kind: isNear ? 'agrees' : 'differs', ...distance }
}

function medianDistance({ gap }: TwinLatency): number {
  return Math.abs(gap.p50 ?? 0)
}

function tailDistance({ beyond }: TwinLatency): number {
  return Math.abs(beyond.p90 ?? 0)
}

function largest(latencies: readonly TwinLatency[], of: (latency: TwinLatency) => number): TwinLatency {
  return latencies.reduce((a, b) => (of(b) > of(a) ? b : a))
}

function unrestOf(latencies: readonly TwinLatency[], quiet: Quiet): Unrest | undefined {
  const { cpuPressure } = quiet
  const mostUs = lagMostUs(latencies, quiet)
  const grainUs = timerGrainUs(quiet)
  const lagUs = Math.max(0, quiet.lagUs.p90 - grainUs)
  if (lagUs > mostUs) return { kind: 'lag', lagUs, grainUs, mostUs }
  if (cpuPressure !== null && cpuPressure > PRESSURE_MOST)
    return { kind: 'pressure', share: cpuPressure, most: PRESSURE_MOST }
  return undefined
}

/**
 * What one timer in ten comes late by whatever the machine does: as much as on the idle cluster, but never more than a timer's own grain, for
 * what is above it is the machine's again, and was there while costs were measured. Latencies are read from the clock, which has no grain.
 */
export function timerGrainUs({ idleLagUs }: Pick<Quiet, 'idleLagUs'>): number {
  return Math.min(TIMER_GRAIN_US, idleLagUs.p90)
}

/** Longest lag of one timer in ten that still lets latencies be judged, real microseconds. */
function lagMostUs(latencies: readonly TwinLatency[], { speed }: Pick<Quiet, 'speed'>): number {
  const tokenUs = latencies.flatMap(({ name, simulated }) =>
    name === 'TPOT' && simulated.p50 !== null ? [simulated.p50] : [],
  )
  if (tokenUs.length === 0) return TIMER_GRAIN_US
  return Math.max(TIMER_GRAIN_US, (LAG_SHARE_MOST * Math.min(...tokenUs)) / speed)
}
