import { z } from 'zod'
import {
  type ComparisonSpec,
  experimentSchema,
  type ExperimentSpec,
  type FactorSpec,
  type FactorValue,
} from './experiment.js'
import { parsePath, pathLabel, type PathStep } from './paths.js'
import { nearest, parseDocument, type Parsed } from './problems.js'
import { summarySchema } from './summary.js'

/** Reads an experiment: its own fields first, then what they say to each other. Scenario paths are judged by the scenario. */
export function parseExperiment(document: unknown): Parsed<ExperimentSpec> {
  const parsed = parseDocument(experimentSchema, document)
  if (parsed.kind === 'refused') return parsed
  const problems = contradictions(parsed.value)
  return problems.length === 0 ? parsed : { kind: 'refused', problems }
}

/** The name a level has in tables and in comparisons. */
export function levelName(value: FactorValue): string {
  if (typeof value !== 'object') return String(value)
  return 'name' in value ? value.name : JSON.stringify(value)
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
    ...stopProblems(spec),
    ...smallProblems(spec),
  ]
}

/** Columns of the table of runs beside those of factors. */
const COLUMNS: readonly string[] = ['run', 'seed', 'repetition', ...Object.keys(summarySchema.shape)]
/** A summary's texts are no columns. */
const TEXTS: readonly string[] = ['policy', 'scenario']

function reservedName(where: string, name: string): string[] {
  if (!COLUMNS.includes(name) || TEXTS.includes(name)) return []
  return [
    `${where} is "${name}", a column of the results already; it must be another name (path says what is set)`,
  ]
}

function factorProblems(where: string, { values }: FactorSpec): string[] {
  return repeated(`${where}.values`, undefined, values.map(levelName))
}

function repeated(where: string, field: string | undefined, names: readonly string[]): string[] {
  return names.flatMap((name, i) => {
    const first = names.indexOf(name)
    const at = (index: number) => `${where}[${index}]${field === undefined ? '' : `.${field}`}`
    return first === i ? [] : [`${at(i)} is "${name}", as ${at(first)} is; it must be a name of its own`]
  })
}

/** The name of a metric in tables and in comparisons. */
export function metricName({ name, path }: ExperimentSpec['metrics'][number]): string {
  return name ?? path
}

function metricProblems({ metrics }: ExperimentSpec): string[] {
  return [
    ...repeated('metrics', 'name', metrics.map(metricName)),
    ...metrics.flatMap(({ path }, i) => summaryPathProblems(`metrics[${i}].path`, path)),
  ]
}

function known(where: string, value: string, names: readonly string[]): string[] {
  if (names.includes(value)) return []
  const near = nearest(value, names)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return [
    `${where} is "${value}"${hint}${hint === '' ? '; ' : ' '}it must be one of ${names.join(', ') || '(there are none)'}`,
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

// ── paths of a summary ────────────────────────────────────────────────────────────────────────────

/** The part of JSON Schema that the summary's schema is made of. */
interface SchemaNode {
  readonly type?: unknown
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: unknown
  readonly anyOf?: readonly SchemaNode[]
}

/** Whether `path` names a number of a summary; names of models and pools are taken as they are. */
export function summaryPathProblems(where: string, path: string): string[] {
  const parsed = parsePath(path)
  if (parsed.kind === 'refused') return parsed.problems.map((problem) => `${where} ${problem}`)
  let node: SchemaNode = z.toJSONSchema(summarySchema, { io: 'output' }) as SchemaNode
  const walked: PathStep[] = []
  for (const step of parsed.value) {
    const next = summaryChild(node, step)
    if (next.kind === 'refused') {
      const holder = walked.length === 0 ? 'a summary' : pathLabel(walked)
      return next.problems.map((problem) => `${where} is ${path}; ${holder} ${problem}`)
    }
    node = next.value
    walked.push(step)
  }
  if (isNumber(node)) return []
  const inside = Object.keys(node.properties ?? {})
  const hint = inside.length === 0 ? '' : `, such as ${path}.${inside[0]} (of ${inside.join(', ')})`
  return [`${where} is ${path}, which is no number; it must name one${hint}`]
}

function summaryChild(node: SchemaNode, step: PathStep): Parsed<SchemaNode> {
  const refuse = (problem: string): Parsed<SchemaNode> => ({ kind: 'refused', problems: [problem] })
  const members = node.properties
  if (members !== undefined && step.kind === 'field') {
    const names = Object.keys(members)
    const next = names.includes(step.name) ? members[step.name] : undefined
    if (next !== undefined) return { kind: 'parsed', value: next }
    const near = nearest(step.name, names)
    return refuse(
      `has no ${step.name}${near === undefined ? '' : `; did you mean ${near}?`} It has ${names.join(', ')}`,
    )
  }
  if (isRecord(node.additionalProperties) && step.kind !== 'index')
    return { kind: 'parsed', value: node.additionalProperties }
  return refuse(`has no ${pathLabel([step])}`)
}

function isRecord(node: unknown): node is SchemaNode {
  return typeof node === 'object' && node !== null
}

function isNumber(node: SchemaNode): boolean {
  if (node.anyOf !== undefined) return node.anyOf.some(isNumber)
  return node.type === 'number' || node.type === 'integer'
}
