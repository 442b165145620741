import type { SimulatedSummary } from '@kvasir/contracts'
import type { CdfPoint, SeriesTable } from '@kvasir/metrics'

/** Columns of the time series that belong to one model, each by its index in the table. */
export interface ModelColumns {
  readonly model: string
  /** Tokens its engines may schedule in a round, and tokens they computed, a second. */
  readonly budgetTokens: number
  readonly servedTokensPerS: number
  readonly leaseBundles: number
  readonly inUseBundles: number
  readonly waiting: number
  readonly running: number
}

export interface PoolColumns {
  readonly pool: string
  /** Microseconds of computing a second of time. */
  readonly busyUsPerS: number
  readonly inUseBundles: number
}

export interface ModelCdfs {
  readonly model: string
  readonly ttftUs: readonly CdfPoint[]
  readonly e2eUs: readonly CdfPoint[]
  readonly queueUs: readonly CdfPoint[]
}

/** Bundles granted from each donor model to each requester model by stopping work or taking leases. */
export interface PreemptionMatrix {
  readonly models: readonly string[]
  /** `bundles[requester][donor]` */
  readonly bundles: readonly (readonly number[])[]
}

/** Everything a run leaves behind; all of it is a function of plan, requests and seed. */
export interface SimulationResult {
  readonly summary: SimulatedSummary
  readonly series: SeriesTable
  readonly modelColumns: readonly ModelColumns[]
  readonly poolColumns: readonly PoolColumns[]
  readonly cdfs: readonly ModelCdfs[]
  readonly preemptions: PreemptionMatrix
}
