import type { Distribution, ModelSummary, Summary } from '@kvasir/contracts'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import { regimeOfPolicies } from './regime.js'
import type { Comparison, ComparisonCell, ComparisonRow, ReportRun, RowVerdict, Unit } from './model.js'

/**
 * Differences up to this are not called a win: schedulers are chaotic, and nobody would notice. Of amounts a hundredth of the
 * larger; of shares and indices, where 99 % and 100 % are worlds apart, an absolute difference.
 */
const TIE_MARGIN = { relative: 0.01, share: 0.002, index: 0.005 } as const

/** What a summary says of a run and of each model in it. */
type Outcome = Pick<Summary, keyof Summary & keyof ModelSummary>

interface Metric {
  readonly name: string
  readonly unit: Unit
  readonly better: 'lower' | 'higher'
  readonly of: (outcome: Outcome) => number | null
}

const latency = (
  name: string,
  of: (outcome: Outcome) => Distribution,
  percentile: 'p50' | 'p99',
): Metric => ({
  name: `${name} ${percentile}`,
  unit: 'us',
  better: 'lower',
  of: (outcome) => of(outcome)[percentile],
})

const sloAttainment: Metric = {
  name: 'SLO attainment',
  unit: 'share',
  better: 'higher',
  of: (o) => o.sloAttainment,
}
const ttftP99 = latency('TTFT', (o) => o.ttftUs, 'p99')
const e2eP99 = latency('E2E', (o) => o.e2eUs, 'p99')

const RUN_METRICS: readonly Metric[] = [
  {
    name: 'finished',
    unit: 'share',
    better: 'higher',
    of: (o) => (o.requests.submitted === 0 ? null : o.requests.finished / o.requests.submitted),
  },
  sloAttainment,
  { name: 'goodput', unit: 'perSecond', better: 'higher', of: (o) => o.goodputPerS },
  { name: 'output tokens', unit: 'tokensPerSecond', better: 'higher', of: outputRate },
  latency('TTFT', (o) => o.ttftUs, 'p50'),
  ttftP99,
  latency('TPOT', (o) => o.tpotUs, 'p99'),
  latency('E2E', (o) => o.e2eUs, 'p50'),
  e2eP99,
  latency('queue', (o) => o.queueUs, 'p99'),
  { name: 'fairness (Jain)', unit: 'index', better: 'higher', of: (o) => o.jain },
  { name: 'weighted wait', unit: 'us', better: 'lower', of: (o) => o.weightedWaitUs },
  { name: 'makespan', unit: 'us', better: 'lower', of: (o) => o.makespanUs },
  { name: 'recomputed tokens', unit: 'count', better: 'lower', of: (o) => o.tokens.recomputed },
]

const MODEL_METRICS: readonly Metric[] = [sloAttainment, ttftP99, e2eP99]

function outputRate(outcome: Outcome): number | null {
  return outcome.makespanUs === 0 ? null : (outcome.tokens.output * MICROS_PER_SECOND) / outcome.makespanUs
}

/**
 * Puts runs of the same requests side by side, one column a policy in the order of the runs; several seeds of a policy are
 * averaged and their spread is kept.
 * @param options.subject the policy that the verdict is about; the first one when it did not run.
 * @param options.models models with rows of their own.
 */
export function compareRuns(
  runs: readonly ReportRun[],
  options: { readonly subject?: string; readonly models?: readonly string[] } = {},
): Comparison {
  const policies = [...new Set(runs.map((run) => run.policy))]
  const summaries = policies.map((policy) =>
    runs.filter((run) => run.policy === policy).map((run) => run.summary),
  )
  const rows = RUN_METRICS.map((metric) => rowOf(metric, '', summaries))
  for (const model of options.models ?? []) {
    const outcomes = summaries.map((seeds) => seeds.flatMap((summary) => summary.models[model] ?? []))
    rows.push(...MODEL_METRICS.map((metric) => rowOf(metric, model, outcomes)))
  }
  return {
    policies,
    subject: Math.max(0, policies.indexOf(options.subject ?? '')),
    rows: rows.filter((row) => row.cells.some((cell) => cell !== null)),
    cautions: cautionsAbout(policies, summaries),
  }
}

function rowOf(metric: Metric, scope: string, outcomes: readonly (readonly Outcome[])[]): ComparisonRow {
  const cells = outcomes.map((seeds) => cellOf(seeds.map(metric.of)))
  const { unit, better } = metric
  return { metric: metric.name, scope, unit, better, cells, verdict: judge(cells, { better, unit }) }
}

function cellOf(values: readonly (number | null)[]): ComparisonCell | null {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return null
  return {
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
    min: Math.min(...known),
    max: Math.max(...known),
    seeds: known.length,
  }
}

/** Who is best; the best are tied with all that are as good within the margin or within the spread of seeds. */
export function judge(
  cells: readonly (ComparisonCell | null)[],
  { better, unit }: Pick<ComparisonRow, 'better' | 'unit'>,
): RowVerdict {
  const ranked = cells
    .flatMap((cell, policy) => (cell === null ? [] : [{ cell, policy }]))
    .sort((a, b) => (better === 'lower' ? a.cell.mean - b.cell.mean : b.cell.mean - a.cell.mean))
  if (ranked.length < 2) return { kind: 'no_contest' }
  const [best, next] = ranked
  const equals = ranked.filter((other) => isTied(best.cell, other.cell, unit))
  if (equals.length > 1) return { kind: 'tied', policies: equals.map((other) => other.policy) }
  return { kind: 'won', winner: best.policy, runnerUp: next.policy }
}

function isTied(best: ComparisonCell, other: ComparisonCell, unit: Unit): boolean {
  if (Math.abs(best.mean - other.mean) <= tieMargin(best.mean, other.mean, unit)) return true
  const haveSpread = best.seeds > 1 && other.seeds > 1
  return haveSpread && best.min <= other.max && other.min <= best.max
}

function tieMargin(a: number, b: number, unit: Unit): number {
  if (unit === 'share' || unit === 'index') return TIE_MARGIN[unit]
  return TIE_MARGIN.relative * Math.max(Math.abs(a), Math.abs(b))
}

function cautionsAbout(policies: readonly string[], summaries: readonly (readonly Summary[])[]): string[] {
  const regime = regimeOfPolicies(policies, summaries)
  const cautions: string[] = regime === undefined ? [] : [regime]
  const share = (seeds: readonly Summary[]) => {
    const submitted = seeds.reduce((sum, summary) => sum + summary.requests.submitted, 0)
    const finished = seeds.reduce((sum, summary) => sum + summary.requests.finished, 0)
    return submitted === 0 ? 1 : finished / submitted
  }
  const partial = policies.flatMap((policy, i) =>
    share(summaries[i]) < 1 - TIE_MARGIN.share
      ? [`${policy} finished ${(share(summaries[i]) * 100).toFixed(1)} %`]
      : [],
  )
  if (partial.length > 0) {
    cautions.push(
      `Latencies are of finished requests only, and not all were: ${partial.join('; ')}. Goodput and SLO attainment count the others as missed.`,
    )
  }
  const submitted = new Set(
    summaries.flat().map((summary) => `${summary.seed}:${summary.requests.submitted}`),
  )
  if (submitted.size > new Set(summaries.flat().map((summary) => summary.seed)).size) {
    cautions.push('The policies did not get the same number of requests: compare with care.')
  }
  if (summaries.flat().some((summary) => summary.interrupted)) {
    cautions.push('At least one run was stopped before its requests had ended.')
  }
  return cautions
}
