import { type Interval, meanInterval, momentsOf } from '../statistics/bootstrap.js'
import type { Metric } from '../metrics.js'
import { type RunResult, observationsOf } from './observations.js'

/** What values of independent seeds come to. */
export interface Estimate {
  readonly seeds: number
  readonly mean: number
  /** Sample standard deviation over the seeds; 0 for one. */
  readonly sd: number
  readonly min: number
  readonly max: number
  /** 95 % of the mean; null below `VALUES_MIN` seeds. */
  readonly interval: Interval | null
}

/** One metric in one cell, over the seeds. */
export interface CellEstimate extends Estimate {
  readonly cell: number
  readonly metric: string
}

/** Metric by metric, cells in their order; cells without a number are left out. */
export function estimateCells(
  results: readonly RunResult[],
  metrics: readonly Metric[],
): readonly CellEstimate[] {
  return metrics.flatMap((metric) =>
    [...observationsOf(results, metric)].map(([cell, seeds]) => ({
      cell,
      metric: metric.name,
      ...estimateOf([...seeds.values()]),
    })),
  )
}

/** @param values one a seed, one at least. */
export function estimateOf(values: readonly number[]): Estimate {
  return {
    seeds: values.length,
    ...momentsOf(values),
    min: Math.min(...values),
    max: Math.max(...values),
    interval: meanInterval(values) ?? null,
  }
}
