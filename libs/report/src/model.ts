import type { Summary } from '@kvasir/contracts'
import type { CdfPoint, SloLimits } from '@kvasir/metrics'

/**
 * What a report is made of. Plain data: whoever ran the simulation collects it, whoever renders it only reads it. Lists say
 * the order in which things are shown; models keep their colour by their place in `models`.
 */
export interface ReportInput {
  readonly title: string
  readonly subtitle: string
  /** The scenario in words: cluster, models, workload, settings. */
  readonly facts: readonly ReportFact[]
  readonly models: readonly string[]
  /** At least one; several seeds of a policy are several runs. */
  readonly runs: readonly ReportRun[]
  /** Set where policies are compared (`compareRuns`). */
  readonly comparison?: Comparison | undefined
  /** The command that makes the same report again. */
  readonly command?: string | undefined
}

export interface ReportFact {
  readonly label: string
  readonly value: string
}

export interface ReportRun {
  readonly policy: string
  readonly seed: number
  readonly summary: Summary
  readonly series: RunSeries
  readonly cdfs: readonly ModelCdfs[]
  readonly preemptions: PreemptionMatrix
  /** What a reader should know before believing the numbers. */
  readonly notes: readonly string[]
}

/** Columns over time; every column has a value for each of `timeUs`, which holds from then until the next. */
export interface RunSeries {
  readonly timeUs: readonly number[]
  /** Where the last value ends. */
  readonly endUs: number
  readonly models: readonly ModelSeries[]
  readonly pools: readonly PoolSeries[]
}

export interface ModelSeries {
  readonly model: string
  /** Tokens granted by the coordinator, per second. */
  readonly budgetTokensPerS: readonly number[]
  readonly leasedBundles: readonly number[]
  readonly usedBundles: readonly number[]
  /** Requests that wait. */
  readonly queueLength: readonly number[]
  /** Sequences in the running batch. */
  readonly running: readonly number[]
}

export interface PoolSeries {
  readonly pool: string
  /** Share of the time in which the group computed, 0..1. */
  readonly utilisation: readonly number[]
}

/** Distributions in microseconds. */
export interface ModelCdfs {
  readonly model: string
  readonly ttft: readonly CdfPoint[]
  readonly e2e: readonly CdfPoint[]
  readonly queue: readonly CdfPoint[]
  readonly slo?: SloLimits | undefined
}

/** Who preempted whom, by engine or by model. */
export interface PreemptionMatrix {
  readonly names: readonly string[]
  /** `bundles[taker][donor]`: bundles that the taker got from the donor through the broker. */
  readonly bundles: readonly (readonly number[])[]
}

export type Unit = 'us' | 'share' | 'count' | 'index' | 'perSecond' | 'tokensPerSecond' | 'bundles'

/** The same requests under several policies. */
export interface Comparison {
  readonly policies: readonly string[]
  /** The policy that the verdict is about: an index into `policies`. */
  readonly subject: number
  readonly rows: readonly ComparisonRow[]
  /** Why numbers may not be comparable, such as latencies of requests that only one policy finished. */
  readonly cautions: readonly string[]
}

export interface ComparisonRow {
  readonly metric: string
  /** A model's name; empty for the whole run. */
  readonly scope: string
  readonly unit: Unit
  readonly better: 'lower' | 'higher'
  /** One a policy; null where the policy has no such number. */
  readonly cells: readonly (ComparisonCell | null)[]
  readonly verdict: RowVerdict
}

/** Over the seeds of a policy. */
export interface ComparisonCell {
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly seeds: number
}

export type RowVerdict =
  | { readonly kind: 'won'; readonly winner: number; readonly runnerUp: number }
  /** These differ by less than what counts, or than their seeds do. */
  | { readonly kind: 'tied'; readonly policies: readonly number[] }
  | { readonly kind: 'no_contest' }
