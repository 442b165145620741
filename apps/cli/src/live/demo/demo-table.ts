import type { DecisionRecord, Growth } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { renderTable } from '@kvasir/report'
import type { ModelTally } from './demo-tally.js'

/** What the owners of pools decided meanwhile, added up. */
export interface DecisionCounts {
  /** Requests for memory, and how many bundles they got. */
  readonly requests: number
  readonly granted: number
  readonly denied: number
  readonly bundles: number
  /** Of the granted ones, those for which another engine had to give. */
  readonly fromDonors: number
}

export interface DemoResult {
  readonly durationUs: Micros
  readonly models: ReadonlyMap<string, ModelTally>
  /** Undefined when no coordinator could be asked. */
  readonly decisions: DecisionCounts | undefined
  /** Of all engines; undefined likewise. */
  readonly growth: Growth | undefined
  /** Largest sum over a pool's engines seen in any look at budgets. */
  readonly lent: { readonly tokensMost: number; readonly looks: number; readonly withLoans: number }
}

const header = [
  'model',
  'requests',
  'finished',
  'goodput/s',
  'SLO met',
  'TTFT p50',
  'p99',
  'TPOT p50',
  'tokens/s',
]

export function demoText({ durationUs, models, decisions, growth, lent }: DemoResult): string {
  const rows = [...models].map(([name, tally]) => rowOf(name, tally, durationUs))
  const align = header.map((_, i): 'left' | 'right' => (i === 0 ? 'left' : 'right'))
  const lines = ['', renderTable({ header, rows, align }), '']
  for (const [name, { failed }] of models)
    for (const [reason, count] of failed) lines.push(`${name}: ${count} ended with ${reason}`)
  lines.push(
    `budgets: tokens were lent in ${lent.withLoans} of ${lent.looks} looks, at most ${lent.tokensMost} a round in one pool`,
  )
  lines.push(decisions === undefined ? 'memory: no coordinator could be asked' : memoryLine(decisions))
  if (growth) lines.push(growthLine(growth))
  return lines.join('\n')
}

function memoryLine({ requests, granted, denied, bundles, fromDonors }: DecisionCounts): string {
  if (requests === 0) return 'memory: no engine had to ask'
  return `memory: ${requests} requests, ${granted} granted (${bundles} bundles; ${fromDonors} preempted another engine), ${denied} denied`
}

function growthLine({ taken, asked }: Growth): string {
  const share = taken === 0 ? '' : `: ${(100 * Math.max(0, 1 - asked / taken)).toFixed(1)} % without asking`
  return `growth: ${taken} bundles came into use, ${asked} of them by request${share}`
}

function rowOf(name: string, tally: ModelTally, durationUs: Micros): readonly string[] {
  const { slo, ttftUs, tpotUs } = tally
  const attainment = slo.attainment()
  const seconds = durationUs / 1e6
  return [
    name,
    String(tally.requests),
    String(tally.finished),
    slo.goodputPerSecond(durationUs).toFixed(2),
    attainment === undefined ? '–' : `${(100 * attainment).toFixed(0)} %`,
    millis(ttftUs.percentile(50)),
    millis(ttftUs.percentile(99)),
    millis(tpotUs.percentile(50)),
    (tally.outputTokens / seconds).toFixed(0),
  ]
}

function millis(us: number | undefined): string {
  return us === undefined ? '–' : `${(us / 1000).toFixed(us < 10_000 ? 1 : 0)} ms`
}

/** What a log says of requests for memory. */
export function countDecisions(records: readonly DecisionRecord[]): DecisionCounts {
  const withDonors = new Set<string>()
  const counts = { requests: 0, granted: 0, denied: 0, bundles: 0 }
  for (const record of records) {
    if (record.kind === 'donors' && record.answer.donors.some(([, , , by]) => by !== 'unused'))
      withDonors.add(record.request.id)
    if (record.kind !== 'end') continue
    counts.requests++
    const { outcome } = record.answer
    if (outcome.kind === 'granted' || outcome.kind === 'granted_partial') {
      counts.granted++
      counts.bundles += outcome.bundles
    } else counts.denied++
  }
  return { ...counts, fromDonors: withDonors.size }
}
