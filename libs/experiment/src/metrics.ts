import {
  type MetricSpec,
  type MetricUnit,
  metricName,
  parsePath,
  type Path,
  type Summary,
} from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'

/** A number that is taken from every run's summary. */
export interface Metric {
  readonly name: string
  readonly path: string
  readonly better: 'higher' | 'lower'
  readonly unit: MetricUnit
  /** Null where a run has no such number. */
  readonly of: (summary: Summary) => number | null
}

export function metricsOf(specs: readonly MetricSpec[]): readonly Metric[] {
  return specs.map((spec) => {
    const path = parsePath(spec.path)
    invariant(path.kind === 'parsed', () => `metric path ${spec.path} has been checked`)
    const { value: steps } = path
    return {
      name: metricName(spec),
      path: spec.path,
      better: spec.better,
      unit: spec.unit ?? unitOf(spec.path),
      of: (summary) => numberAt(summary, steps, 0),
    }
  })
}

/** All numbers of a summary that a path names: with `[*]` each of them; none where there are none. */
export function numbersOf(path: string): (summary: Summary) => readonly number[] {
  const parsed = parsePath(path)
  invariant(parsed.kind === 'parsed', () => `path ${path} has been checked`)
  const { value: steps } = parsed
  return (summary) => numbersAt(summary, steps, 0)
}

/** Fields of a summary that are shares of something. */
const SHARES = /(attainment|utilisation|internal|fragmentation\.\w+|load|Growth|Share)$/i

/** How the number at a path of a summary is written. */
export function unitOf(path: string): MetricUnit {
  if (/Us(\.|$)/.test(path)) return path.endsWith('.count') ? 'count' : 'us'
  if (path.endsWith('jain')) return 'index'
  if (path.endsWith('PerS')) return 'perSecond'
  return SHARES.test(path) ? 'share' : 'count'
}

/** All numbers of a summary by their paths, in the summary's order; nulls are there too. Wall time is not the run's. */
export function summaryNumbers(summary: Summary): ReadonlyMap<string, number | null> {
  const numbers = new Map<string, number | null>()
  collect(summary, '', numbers)
  for (const path of ['wallMs', 'version', 'seed']) numbers.delete(path)
  return numbers
}

function collect(node: unknown, path: string, numbers: Map<string, number | null>): void {
  if (typeof node === 'number' || node === null) numbers.set(path, node)
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return
  for (const [name, member] of Object.entries(node)) {
    const step = /[.[\]"]/.test(name) ? `["${name}"]` : path === '' ? name : `.${name}`
    collect(member, path + step, numbers)
  }
}

function numberAt(node: unknown, path: Path, at: number): number | null {
  if (at === path.length) return typeof node === 'number' ? node : null
  if (typeof node !== 'object' || node === null) return null
  const step = path[at]
  if (step.kind === 'field') return numberAt(memberOf(node, step.name), path, at + 1)
  if (step.kind === 'index') return null
  const members = Object.values(node).map((member) => numberAt(member, path, at + 1))
  const known = members.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

function numbersAt(node: unknown, path: Path, at: number): readonly number[] {
  if (at === path.length) return typeof node === 'number' ? [node] : []
  if (typeof node !== 'object' || node === null) return []
  const step = path[at]
  if (step.kind === 'field') return numbersAt(memberOf(node, step.name), path, at + 1)
  return step.kind === 'index' ? [] : Object.values(node).flatMap((member) => numbersAt(member, path, at + 1))
}

function memberOf(node: object, name: string): unknown {
  return new Map<string, unknown>(Object.entries(node)).get(name)
}
