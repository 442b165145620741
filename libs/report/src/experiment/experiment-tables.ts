import type { Estimate, Metric, Verdict, VerdictKind } from '@kvasir/experiment'
import { type NumberStyle, significant, styleFor, times } from '../numbers.js'
import type { CellTable } from '../run-tables.js'
import type { ExperimentReport } from './model.js'

const NONE = '–'

/** What the numbers of the table of estimates are. */
export const ESTIMATE_CAPTION =
  'Means over the seeds, with [95 % intervals], or (the smallest to the largest) below five seeds'

/** A row a combination of levels, a column a metric: means with their 95 % intervals, or the range where seeds are few. */
export function estimateTable(report: ExperimentReport): CellTable {
  const { plan, metrics } = report
  const styles = metrics.map((metric) => metricStyle(report, metric))
  return {
    caption: ESTIMATE_CAPTION,
    header: [
      plan.factors.map(({ name }) => name).join(' / '),
      'seeds',
      ...metrics.map(({ name, better }) => `${better === 'higher' ? '↑' : '↓'} ${name}`),
    ],
    rows: plan.cells.map(({ levels }, cell) => {
      const own = report.estimates.filter((estimate) => estimate.cell === cell)
      const seeds = Math.max(0, ...own.map((estimate) => estimate.seeds))
      const values = metrics.map((metric, i) =>
        estimateText(
          own.find((estimate) => estimate.metric === metric.name),
          styles[i],
        ),
      )
      return [levels.join(' / ') || 'all', String(seeds), ...values]
    }),
  }
}

/** One unit for all numbers of a metric. */
export function metricStyle(report: Pick<ExperimentReport, 'estimates'>, metric: Metric): NumberStyle {
  const values = report.estimates.filter(({ metric: name }) => name === metric.name).map(({ mean }) => mean)
  return styleFor(metric.unit, values)
}

/** `1.20 s [1.11, 1.30]`. */
export function estimateText(estimate: Estimate | undefined, { write, suffix }: NumberStyle): string {
  if (estimate === undefined) return NONE
  const mean = `${write(estimate.mean)}${suffix}`
  const { interval, min, max } = estimate
  if (min === max) return mean
  if (interval === null) return `${mean} (${write(min)} to ${write(max)})`
  return `${mean} [${write(interval.low)}, ${write(interval.high)}]`
}

const KINDS: Readonly<Record<VerdictKind, string>> = {
  better: 'better',
  worse: 'worse',
  no_difference: 'no difference',
  too_few: 'too few seeds',
}

/** A row a verdict: how the subject did against each baseline, where, by how much. */
export function verdictTable({ metrics, verdicts, plan }: ExperimentReport): CellTable {
  return {
    caption: 'Verdicts, paired by seed; ratios and differences with 95 % intervals',
    header: ['comparison', 'metric', 'where', 'verdict', 'ratio', 'difference', 'pairs'],
    rows: verdicts.map((verdict) => {
      const metric = metrics.find(({ name }) => name === verdict.metric)
      return [
        `${verdict.subject} against ${verdict.baseline}`,
        verdict.metric,
        placeText(verdict, plan.factors.length),
        KINDS[verdict.kind],
        ratioText(verdict),
        metric === undefined ? NONE : differenceText(verdict, metric),
        String(verdict.pairs),
      ]
    }),
  }
}

function placeText({ where }: Verdict, factors: number): string {
  if (where.length === 0) return factors > 1 ? 'all together' : ''
  return where.map(({ factor, level }) => `${factor} ${level}`).join(', ')
}

export function ratioText({ ratio, ratioInterval }: Pick<Verdict, 'ratio' | 'ratioInterval'>): string {
  if (ratio === null) return NONE
  if (ratioInterval === null) return times(ratio)
  return `${times(ratio)} [${significant(ratioInterval.low)}, ${significant(ratioInterval.high)}]`
}

/** Of numbers as metrics have them, a difference that is only what sums of them round to. */
const ROUNDING = 1e-12

/** With its sign. */
export function differenceText(
  { difference, differenceInterval }: Pick<Verdict, 'difference' | 'differenceInterval'>,
  { unit }: Pick<Metric, 'unit'>,
): string {
  const style = styleFor(unit, [Math.abs(difference)])
  const signed = (exact: number) => {
    const value = Math.abs(exact) < ROUNDING ? 0 : exact
    return `${value > 0 ? '+' : value < 0 ? '−' : ''}${style.write(Math.abs(value))}`
  }
  const mean = `${signed(difference)}${style.suffix}`
  if (differenceInterval === null) return mean
  return `${mean} [${signed(differenceInterval.low)}, ${signed(differenceInterval.high)}]`
}
