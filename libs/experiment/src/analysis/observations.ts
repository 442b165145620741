import type { Summary } from '@kvasir/contracts'
import type { Metric } from '../metrics.js'
import type { PlannedRun } from '../run.js'

/** A run and what it came to. */
export interface RunResult {
  readonly run: Pick<PlannedRun, 'cell' | 'seed' | 'repetition'>
  readonly summary: Summary
}

/** The numbers of one metric: by cell, then by seed. A seed is one observation however often it was repeated. */
export type Observations = ReadonlyMap<number, ReadonlyMap<number, number>>

/** Runs that have no such number are left out. The order of the results changes nothing. */
export function observationsOf(results: readonly RunResult[], metric: Pick<Metric, 'of'>): Observations {
  const values = new Map<number, Map<number, number[]>>()
  const ordered = [...results].sort(
    (a, b) => a.run.cell - b.run.cell || a.run.seed - b.run.seed || a.run.repetition - b.run.repetition,
  )
  for (const { run, summary } of ordered) {
    const value = metric.of(summary)
    if (value === null) continue
    const seeds = values.get(run.cell) ?? new Map<number, number[]>()
    values.set(run.cell, seeds)
    seeds.set(run.seed, [...(seeds.get(run.seed) ?? []), value])
  }
  return new Map(
    [...values].map(([cell, seeds]) => [
      cell,
      new Map([...seeds].map(([seed, repetitions]) => [seed, meanOf(repetitions)])),
    ]),
  )
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
