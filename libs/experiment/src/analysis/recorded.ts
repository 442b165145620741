import type { RecordedSpec } from '@kvasir/contracts'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import type { CellEstimate } from './cell-estimates.js'

/** What was measured beside the numbers of somebody else. */
export interface RecordedComparison extends Pick<RecordedSpec, 'name' | 'source' | 'metric' | 'by' | 'over'> {
  readonly rows: readonly RecordedRow[]
}

/** Numbers are in the metric's unit. */
export interface RecordedRow {
  /** By the order of `by`. */
  readonly levels: readonly string[]
  readonly recorded: number
  /** Mean over seeds and over the factors that the record does not tell apart; undefined where there is none. */
  readonly measured: number | undefined
  /** Both over what they are at the level `over`; undefined without it. */
  readonly recordedRatio: number | undefined
  readonly measuredRatio: number | undefined
}

/** Rows of levels that the experiment does not run (its small version has fewer) are left out. */
export function besideRecorded(
  { spec, factors, cells }: Pick<ExperimentPlan, 'spec' | 'factors' | 'cells'>,
  estimates: readonly CellEstimate[],
): readonly RecordedComparison[] {
  return spec.recorded.map(({ name, source, metric, times, by, over, rows }) => {
    const places = by.map((factor) => factors.findIndex((candidate) => candidate.name === factor))
    const own = estimates.filter((estimate) => estimate.metric === metric)
    const measuredAt = (levels: readonly string[]) =>
      mean(
        own.flatMap((estimate) => {
          const isHere = places.every((place, i) => cells[estimate.cell].levels[place] === levels[i])
          return isHere ? [estimate.mean] : []
        }),
      )
    const known = rows.map((row) => ({
      levels: row.slice(0, by.length).map(String),
      recorded: Number(row[by.length]) * times,
    }))
    const recordedAt = new Map(known.map(({ levels, recorded }) => [levels.join('\0'), recorded]))
    const place = over === undefined ? -1 : by.indexOf(over.factor)
    const compared = known
      .filter(({ levels }) => levels.every((level, i) => factors[places[i]].levels.includes(level)))
      .map(({ levels, recorded }): RecordedRow => {
        const measured = measuredAt(levels)
        const baseline = over === undefined ? undefined : levels.with(place, String(over.level))
        return {
          levels,
          recorded,
          measured,
          recordedRatio: ratio(recorded, baseline && recordedAt.get(baseline.join('\0'))),
          measuredRatio: ratio(measured, baseline && measuredAt(baseline)),
        }
      })
    return { name, source, metric, by, over, rows: compared }
  })
}

function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}

function ratio(value: number | undefined, baseline: number | undefined): number | undefined {
  return value === undefined || baseline === undefined || baseline === 0 ? undefined : value / baseline
}
