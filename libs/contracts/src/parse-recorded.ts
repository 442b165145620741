import { type ExperimentSpec, metricName } from './experiment.js'
import { levelName } from './experiment-parts.js'
import { known } from './experiment-problems.js'
import type { RecordedSpec } from './experiment-recorded.js'

/** What is wrong with the numbers of others in an experiment. */
export function recordedProblems(where: string, recorded: RecordedSpec, spec: ExperimentSpec): string[] {
  const { metric, by, over, rows } = recorded
  const names = spec.factors.map(({ name }) => name)
  const unknown = [
    ...known(`${where}.metric`, metric, spec.metrics.map(metricName)),
    ...by.flatMap((name, i) => known(`${where}.by[${i}]`, name, names)),
    ...(over === undefined ? [] : known(`${where}.over.factor`, over.factor, by)),
  ]
  if (unknown.length > 0) return unknown
  const levels = by.map((name) => levelsOf(spec, name))
  const overProblems =
    over === undefined
      ? []
      : known(`${where}.over.level`, String(over.level), levels[by.indexOf(over.factor)])
  return [...overProblems, ...rows.flatMap((row, i) => rowProblems(`${where}.rows[${i}]`, row, levels))]
}

function levelsOf({ factors }: ExperimentSpec, name: string): readonly string[] {
  return factors.find((factor) => factor.name === name)?.values.map(levelName) ?? []
}

function rowProblems(
  where: string,
  row: RecordedSpec['rows'][number],
  levels: readonly (readonly string[])[],
): string[] {
  if (row.length !== levels.length + 1)
    return [`${where} has ${row.length} members; it must have ${levels.length} levels and the number`]
  const value = row[levels.length]
  return [
    ...levels.flatMap((names, i) => known(`${where}[${i}]`, String(row[i]), names)),
    ...(typeof value === 'number'
      ? []
      : [`${where}[${levels.length}] is ${String(value)}; it must be a number`]),
  ]
}
