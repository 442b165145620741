import {
  type ComparisonSpec,
  experimentSchema,
  type ExperimentSpec,
  type FactorSpec,
  metricName,
} from './experiment.js'
import { levelName } from './experiment-parts.js'
import { known, repeated, reservedName } from './experiment-problems.js'
import { recordedProblems } from './parse-recorded.js'
import { searchProblems } from './parse-search.js'
import { parseDocument, type Parsed } from './problems.js'
import { summaryPathProblems } from './summary-paths.js'

/** Reads an experiment: its own fields first, then what they say to each other. Scenario paths are judged by the scenario. */
export function parseExperiment(document: unknown): Parsed<ExperimentSpec> {
  const parsed = parseDocument(experimentSchema, document)
  if (parsed.kind === 'refused') return parsed
  const problems = contradictions(parsed.value)
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

function contradictions(spec: ExperimentSpec): string[] {
  return [
    ...spec.factors.flatMap((factor, i) => [
      ...reservedName(`factors[${i}].name`, factor.name),
      ...factorProblems(`factors[${i}]`, factor),
    ]),
    ...repeated(
      'factors',
      'name',
      spec.factors.map(({ name }) => name),
    ),
    ...metricProblems(spec),
    ...spec.comparisons.flatMap((comparison, i) => comparisonProblems(`comparisons[${i}]`, comparison, spec)),
    ...spec.recorded.flatMap((recorded, i) => recordedProblems(`recorded[${i}]`, recorded, spec)),
    ...stopProblems(spec),
    ...searchProblems('search', spec.search, spec),
    ...searchProblems('small.search', spec.small?.search, spec),
    ...smallProblems(spec),
  ]
}

function factorProblems(where: string, { values }: FactorSpec): string[] {
  return repeated(`${where}.values`, undefined, values.map(levelName))
}

function metricProblems({ metrics }: ExperimentSpec): string[] {
  return [
    ...repeated('metrics', 'name', metrics.map(metricName)),
    ...metrics.flatMap(({ path }, i) => summaryPathProblems(`metrics[${i}].path`, path)),
  ]
}

function comparisonProblems(where: string, comparison: ComparisonSpec, spec: ExperimentSpec): string[] {
  const { factor: name, subject, against, per, metrics } = comparison
  const names = spec.factors.map((factor) => factor.name)
  const factor = spec.factors.find((candidate) => candidate.name === name)
  if (factor === undefined) return known(`${where}.factor`, name, names)
  const levels = factor.values.map(levelName)
  const others = names.filter((other) => other !== name)
  const own = (against ?? []).flatMap((level, i) =>
    String(level) === String(subject)
      ? [`${where}.against[${i}] is ${String(level)}, the subject itself; it must be another level`]
      : [],
  )
  return [
    ...known(`${where}.subject`, String(subject), levels),
    ...(against ?? []).flatMap((level, i) => known(`${where}.against[${i}]`, String(level), levels)),
    ...own,
    ...(per ?? []).flatMap((other, i) => known(`${where}.per[${i}]`, other, others)),
    ...(metrics ?? []).flatMap((metric, i) =>
      known(`${where}.metrics[${i}]`, metric, spec.metrics.map(metricName)),
    ),
  ]
}

function stopProblems({ stop, metrics }: ExperimentSpec): string[] {
  return stop?.metric === undefined ? [] : known('stop.metric', stop.metric, metrics.map(metricName))
}

function smallProblems({ small, factors }: ExperimentSpec): string[] {
  const names = factors.map(({ name }) => name)
  return (small?.factors ?? []).flatMap((factor, i) => [
    ...known(`small.factors[${i}].name`, factor.name, names),
    ...factorProblems(`small.factors[${i}]`, factor),
  ])
}
