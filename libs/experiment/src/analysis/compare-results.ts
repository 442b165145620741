import {
  type Interval,
  pairedDifferenceInterval,
  unpairedDifferenceInterval,
  VALUES_MIN,
} from '../statistics/bootstrap.js'
import { meanOf } from './observations.js'
import { type VerdictKind, verdictKind } from './verdicts.js'

/** A run as a table of results has it. */
export interface RunRow {
  /** By the order of the factors. */
  readonly levels: readonly string[]
  readonly seed: number
  /** By path of the summary; null when the run has no such number. */
  readonly number: (path: string) => number | null
}

export interface ComparedMetric {
  readonly name: string
  readonly path: string
  readonly better: 'higher' | 'lower'
}

/** One metric in one combination of levels that both results have. */
export interface Movement {
  readonly levels: readonly string[]
  readonly metric: string
  readonly before: number
  readonly after: number
  /** After minus before. */
  readonly difference: number
  readonly interval: Interval | null
  /** Seeds that both have; 0: compared without pairing. */
  readonly pairs: number
  /** `no_difference` also where nothing at all has changed, however few seeds there are. */
  readonly kind: VerdictKind
}

/**
 * What has moved from one result to another: paired by seed where both have five seeds in common or have the same ones, else as two
 * samples that share nothing.
 */
export function compareResults(
  before: readonly RunRow[],
  after: readonly RunRow[],
  metrics: readonly ComparedMetric[],
): readonly Movement[] {
  const cells = new Map(before.map(({ levels }) => [levels.join('\0'), levels]))
  return [...cells].flatMap(([key, levels]) => {
    const here = (rows: readonly RunRow[]) => rows.filter((row) => row.levels.join('\0') === key)
    return metrics.flatMap((metric) => {
      const movement = movementOf(bySeed(here(before), metric), bySeed(here(after), metric), metric)
      return movement === undefined ? [] : [{ levels, metric: metric.name, ...movement }]
    })
  })
}

/** Repetitions of a seed are averaged. */
function bySeed(rows: readonly RunRow[], { path }: ComparedMetric): ReadonlyMap<number, number> {
  const values = new Map<number, number[]>()
  for (const row of rows) {
    const value = row.number(path)
    if (value !== null) values.set(row.seed, [...(values.get(row.seed) ?? []), value])
  }
  return new Map([...values].map(([seed, repetitions]) => [seed, meanOf(repetitions)]))
}

type Seeds = ReadonlyMap<number, number>

function movementOf(
  before: Seeds,
  after: Seeds,
  { better }: ComparedMetric,
): Omit<Movement, 'levels' | 'metric'> | undefined {
  if (before.size === 0 || after.size === 0) return undefined
  const common = [...before.keys()].filter((seed) => after.has(seed))
  const isSame = common.length === before.size && common.length === after.size
  const isPaired = isSame || common.length >= VALUES_MIN
  const old = isPaired ? common.map((seed) => before.get(seed) ?? 0) : [...before.values()]
  const now = isPaired ? common.map((seed) => after.get(seed) ?? 0) : [...after.values()]
  const interval = isPaired
    ? pairedDifferenceInterval(now.map((subject, i) => ({ subject, baseline: old[i] })))
    : unpairedDifferenceInterval(now, old)
  const isUnchanged = isPaired && now.every((value, i) => value === old[i])
  return {
    before: meanOf(old),
    after: meanOf(now),
    difference: meanOf(now) - meanOf(old),
    interval: interval ?? null,
    pairs: isPaired ? common.length : 0,
    kind: isUnchanged ? 'no_difference' : verdictKind(interval ?? null, better),
  }
}
