import { join } from 'node:path'
import {
  type Factor,
  type Metric,
  type PlannedRun,
  type RunResult,
  type RunRow,
  type SampleTable,
  summaryNumbers,
} from '@kvasir/experiment'
import { type ParquetColumn, readParquet, writeParquet } from './parquet.js'
import { RESULT_FILES } from './result-store.js'

type Result = RunResult & { readonly run: PlannedRun }

export interface RunTable {
  readonly factors: readonly Factor[]
  readonly levelsOf: (cell: number) => readonly string[]
  readonly metrics: readonly Metric[]
  readonly results: readonly Result[]
}

/**
 * `runs.parquet`: a row a run, in the order of the plan; factors, seed, then every number of the summary by its path. Wall times
 * are not in it, so that the same specification and code write the same bytes.
 */
export function writeRunTable(path: string, table: RunTable): void {
  const { factors, levelsOf, metrics, results } = table
  const numbers = results.map(({ summary }) => summaryNumbers(summary))
  const paths = [...new Set(numbers.flatMap((row) => [...row.keys()]))]
  const means = metrics.filter((metric) => !paths.includes(metric.path))
  const columns: ParquetColumn[] = [
    { name: 'run', type: 'text', values: results.map(({ run }) => run.id) },
    ...factors.map(({ name, levels }, i) =>
      factorColumn(
        name,
        levels,
        results.map(({ run }) => levelsOf(run.cell)[i]),
      ),
    ),
    { name: 'seed', type: 'whole', values: results.map(({ run }) => run.seed) },
    { name: 'repetition', type: 'whole', values: results.map(({ run }) => run.repetition) },
    ...paths.map((name) =>
      numberColumn(
        name,
        numbers.map((row) => row.get(name) ?? null),
      ),
    ),
    ...means.map((metric) =>
      numberColumn(
        metric.path,
        results.map(({ summary }) => metric.of(summary)),
      ),
    ),
  ]
  writeParquet(join(path, RESULT_FILES.runs), columns)
}

/** Levels that are numbers are written as numbers, so that they can be plotted. */
function factorColumn(name: string, levels: readonly string[], values: readonly string[]): ParquetColumn {
  return levels.every(isNumeral)
    ? { name, type: 'number', values: values.map(Number) }
    : { name, type: 'text', values }
}

function isNumeral(level: string): boolean {
  return level.trim() !== '' && Number.isFinite(Number(level))
}

/** Whole numbers too: a column's type must not depend on what a run came to. */
function numberColumn(name: string, values: readonly (number | null)[]): ParquetColumn {
  return { name, type: 'number', values }
}

/** The rows of `runs.parquet`, for whoever compares results. */
export async function readRunTable(path: string, factors: readonly Factor[]): Promise<readonly RunRow[]> {
  const { rows } = await readParquet(join(path, RESULT_FILES.runs))
  return rows.map((row) => ({
    levels: factors.map(({ name }) => String(row.get(name))),
    seed: Number(row.get('seed')),
    number: (name) => {
      const value = row.get(name)
      return typeof value === 'number' ? value : null
    },
  }))
}

/** `samples.parquet`: a row a request that was kept, by run in the order of the plan. */
export function writeSampleTable(
  path: string,
  runs: readonly { readonly run: PlannedRun; readonly samples: SampleTable }[],
): void {
  const rows = runs.flatMap(({ run, samples }) => samples.rows.map((sample) => ({ run, sample })))
  const whole = (name: string, of: (row: (typeof rows)[number]) => number | null): ParquetColumn => ({
    name,
    type: 'whole',
    values: rows.map(of),
  })
  const text = (name: string, of: (row: (typeof rows)[number]) => string): ParquetColumn => ({
    name,
    type: 'text',
    values: rows.map(of),
  })
  writeParquet(join(path, RESULT_FILES.samples), [
    text('run', ({ run }) => run.id),
    whole('seed', ({ run }) => run.seed),
    text('request', ({ sample }) => sample.request),
    text('model', ({ sample }) => sample.model),
    whole('arrivalUs', ({ sample }) => sample.arrivalUs),
    whole('promptTokens', ({ sample }) => sample.promptTokens),
    text('outcome', ({ sample }) => sample.outcome),
    whole('outputTokens', ({ sample }) => sample.outputTokens),
    whole('queueUs', ({ sample }) => sample.queueUs),
    whole('ttftUs', ({ sample }) => sample.ttftUs),
    whole('e2eUs', ({ sample }) => sample.e2eUs),
    whole('preemptions', ({ sample }) => sample.preemptions),
  ])
}
