import { type ComparisonSpec, metricName } from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import { type Metric, metricsOf } from '../metrics.js'
import type { ExperimentPlan } from '../plan/plan-experiment.js'
import {
  type Interval,
  momentsOf,
  type Pair,
  pairedDifferenceInterval,
  pairedRatioInterval,
} from '../statistics/bootstrap.js'
import { meanOf, type Observations, observationsOf, type RunResult } from './observations.js'

export type VerdictKind =
  | 'better'
  | 'worse'
  /** The interval of the difference holds 0. */
  | 'no_difference'
  /** Below `VALUES_MIN` pairs. */
  | 'too_few'

export interface Place {
  readonly factor: string
  readonly level: string
}

/** One subject against one baseline in one metric and place. */
export interface Verdict {
  readonly kind: VerdictKind
  /** Place in the experiment's comparisons. */
  readonly comparison: number
  readonly factor: string
  readonly subject: string
  readonly baseline: string
  readonly metric: string
  /** Levels of the other factors; those that are not named are pooled. */
  readonly where: readonly Place[]
  /** Seeds that have both. */
  readonly pairs: number
  readonly subjectMean: number
  readonly baselineMean: number
  /** Subject minus baseline. */
  readonly difference: number
  readonly differenceInterval: Interval | null
  /** Of the means; null where a baseline is not above 0. */
  readonly ratio: number | null
  readonly ratioInterval: Interval | null
}

/** What the experiment's comparisons come to, paired by seed. */
export function judgeComparisons(plan: ExperimentPlan, results: readonly RunResult[]): readonly Verdict[] {
  const metrics = metricsOf(plan.spec.metrics)
  const observed = new Map(metrics.map((metric) => [metric.name, observationsOf(results, metric)]))
  return plan.spec.comparisons.flatMap((spec, comparison) => {
    const names = spec.metrics ?? plan.spec.metrics.map(metricName)
    return metrics
      .filter(({ name }) => names.includes(name))
      .flatMap((metric) => {
        const observations = observed.get(metric.name)
        invariant(observations !== undefined, () => `metric ${metric.name} is observed`)
        return judgeMetric(plan, { spec, comparison, metric, observations })
      })
  })
}

interface Question {
  readonly spec: ComparisonSpec
  readonly comparison: number
  readonly metric: Metric
  readonly observations: Observations
}

function judgeMetric(plan: ExperimentPlan, question: Question): readonly Verdict[] {
  const { factors } = plan
  const { spec, metric, comparison } = question
  const own = factors.findIndex(({ name }) => name === spec.factor)
  const subject = String(spec.subject)
  const baselines = spec.against?.map(String) ?? factors[own].levels.filter((level) => level !== subject)
  const per = spec.per ?? factors.map(({ name }) => name).filter((name) => name !== spec.factor)
  return placesOf(plan, per).flatMap((where) =>
    baselines.flatMap((baseline) => {
      const pairs = pairsOf(plan, question, { own, subject, baseline, where })
      if (pairs.length === 0) return []
      const facts = { comparison, factor: spec.factor, subject, baseline, metric: metric.name, where }
      return [{ ...facts, ...judgePairs(pairs, metric.better) }]
    }),
  )
}

/** Every combination of levels of the factors in `per`, in the plan's order. */
function placesOf({ factors }: ExperimentPlan, per: readonly string[]): readonly (readonly Place[])[] {
  return factors
    .filter(({ name }) => per.includes(name))
    .reduce<readonly (readonly Place[])[]>(
      (places, { name, levels }) =>
        places.flatMap((place) => levels.map((level) => [...place, { factor: name, level }])),
      [[]],
    )
}

interface Matchup {
  readonly own: number
  readonly subject: string
  readonly baseline: string
  readonly where: readonly Place[]
}

/** One pair a seed: pooled cells of a seed are averaged first, since they share its requests. */
function pairsOf(
  { factors, cells }: ExperimentPlan,
  { observations }: Question,
  { own, subject, baseline, where }: Matchup,
): readonly Pair[] {
  const bySeed = new Map<number, Pair[]>()
  const isHere = (levels: readonly string[]) =>
    where.every(({ factor, level }) => levels[factors.findIndex(({ name }) => name === factor)] === level)
  for (const [index, { levels }] of cells.entries()) {
    if (levels[own] !== subject || !isHere(levels)) continue
    const twin = levels.with(own, baseline).join('\0')
    const twinIndex = cells.findIndex((cell) => cell.levels.join('\0') === twin)
    for (const [seed, value] of observations.get(index) ?? []) {
      const other = observations.get(twinIndex)?.get(seed)
      if (other === undefined) continue
      bySeed.set(seed, [...(bySeed.get(seed) ?? []), { subject: value, baseline: other }])
    }
  }
  return [...bySeed.values()].map((pairs) => ({
    subject: meanOf(pairs.map((pair) => pair.subject)),
    baseline: meanOf(pairs.map((pair) => pair.baseline)),
  }))
}

/** Everything of a verdict that the numbers alone say. */
export function judgePairs(
  pairs: readonly Pair[],
  better: 'higher' | 'lower',
): Pick<
  Verdict,
  | 'kind'
  | 'pairs'
  | 'subjectMean'
  | 'baselineMean'
  | 'difference'
  | 'differenceInterval'
  | 'ratio'
  | 'ratioInterval'
> {
  const subjectMean = meanOf(pairs.map(({ subject }) => subject))
  const baselineMean = meanOf(pairs.map(({ baseline }) => baseline))
  const differenceInterval = pairedDifferenceInterval(pairs) ?? null
  const ratioInterval = pairedRatioInterval(pairs) ?? null
  const { mean: difference } = momentsOf(pairs.map((pair) => pair.subject - pair.baseline))
  return {
    kind: verdictKind(differenceInterval, better),
    pairs: pairs.length,
    subjectMean,
    baselineMean,
    difference,
    differenceInterval,
    ratio: baselineMean > 0 ? subjectMean / baselineMean : null,
    ratioInterval,
  }
}

/** What an interval of a difference says. */
export function verdictKind(interval: Interval | null, better: 'higher' | 'lower'): VerdictKind {
  if (interval === null) return 'too_few'
  if (interval.low > 0) return better === 'higher' ? 'better' : 'worse'
  if (interval.high < 0) return better === 'higher' ? 'worse' : 'better'
  return 'no_difference'
}
