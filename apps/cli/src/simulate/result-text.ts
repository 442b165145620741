import type { ModelSummary, Summary } from '@kvasir/contracts'
import { renderTable, withUnit } from '@kvasir/report'

type Outcome = Pick<Summary, keyof Summary & keyof ModelSummary>

interface Column {
  readonly name: string
  readonly text: (outcome: Outcome) => string
}

const columns: readonly Column[] = [
  { name: 'requests', text: ({ requests }) => withUnit('count', requests.submitted) },
  { name: 'finished', text: ({ requests }) => withUnit('count', requests.finished) },
  { name: 'rejected', text: ({ requests }) => withUnit('count', requests.rejected) },
  { name: 'unfinished', text: ({ requests }) => withUnit('count', requests.unfinished) },
  { name: 'TTFT p50', text: ({ ttftUs }) => time(ttftUs.p50) },
  { name: 'p99', text: ({ ttftUs }) => time(ttftUs.p99) },
  { name: 'TPOT p50', text: ({ tpotUs }) => time(tpotUs.p50) },
  { name: 'p99', text: ({ tpotUs }) => time(tpotUs.p99) },
  { name: 'E2E p50', text: ({ e2eUs }) => time(e2eUs.p50) },
  { name: 'p99', text: ({ e2eUs }) => time(e2eUs.p99) },
  {
    name: 'in SLO',
    text: ({ sloAttainment }) => (sloAttainment === null ? '-' : withUnit('share', sloAttainment)),
  },
  { name: 'goodput', text: ({ goodputPerS }) => withUnit('perSecond', goodputPerS) },
]

/** What one run came to, for people: a row per model and one for all, then pools and memory. */
export function describeRun(summary: Summary, { ansi }: { readonly ansi: boolean }): string {
  const models = Object.entries(summary.models)
  const rows = models.map(([name, model]) => [name, ...columns.map(({ text }) => text(model))])
  if (models.length !== 1) rows.push(['all', ...columns.map(({ text }) => text(summary))])
  const table = renderTable({
    header: ['', ...columns.map(({ name }) => name)],
    rows,
    align: ['left', ...columns.map(() => 'right' as const)],
    isStrong: (row) => row === models.length,
    ruleBefore: models.length === 1 ? [] : [models.length],
    emphasis: ansi ? 'ansi' : 'none',
  })
  return [headline(summary), '', table, '', ...closing(summary)].join('\n')
}

function headline({ scenario, policy, seed, simulatedUs, wallMs, events, interrupted }: Summary): string {
  const stopped = interrupted ? ', stopped early' : ''
  const wall = withUnit('us', wallMs * 1000)
  return `${scenario} · ${policy} · seed ${seed}: ${withUnit('us', simulatedUs)} simulated in ${wall}, ${withUnit('count', events)} events${stopped}`
}

function closing(summary: Summary): string[] {
  const { tokens, preemptions, requests, jain } = summary
  const count = (value: number) => withUnit('count', value)
  const hits =
    tokens.prefixHit === 0 ? '' : `, ${count(tokens.prefixHit)} prompt tokens found in the prefix cache`
  const fairness = jain === null ? '' : `; Jain's index ${withUnit('index', jain)}`
  const lines = [
    `tokens       ${count(tokens.prompt)} prompt, ${count(tokens.output)} output, ${count(tokens.recomputed)} recomputed${hits}`,
    `preemptions  ${count(preemptions.brokered)} brokered (${count(preemptions.granted)} granted, ${count(preemptions.partial)} in part, ${count(preemptions.denied)} denied), ${count(preemptions.victims)} sequences stopped for others, ${count(preemptions.local)} for their own engine${fairness}`,
  ]
  for (const [reason, number] of Object.entries(requests.rejectedBy))
    lines.push(`rejected     ${count(number)}: ${reason}`)
  lines.push(...poolLines(summary))
  return lines
}

/** Pools one by one while they fit a screen, else the range. */
function poolLines({ pools }: Summary): string[] {
  const entries = Object.entries(pools)
  const share = (value: number) => withUnit('share', value)
  if (entries.length <= 8) {
    return entries.map(
      ([id, pool]) =>
        `pool ${id.padEnd(7)} ${pool.gpu} × ${pool.tp}: busy ${share(pool.utilisation)}, KV in use ${share(pool.kvUtilisation)} (peak ${withUnit('count', pool.peakBundles)} of ${withUnit('count', pool.bundles)} bundles), step ${time(pool.stepTimeUs.mean)}`,
    )
  }
  const range = (values: readonly number[]) =>
    `${share(Math.min(...values))} to ${share(Math.max(...values))}`
  const all = entries.map(([, pool]) => pool)
  return [
    `pools        ${all.length}: busy ${range(all.map(({ utilisation }) => utilisation))}, KV in use ${range(all.map(({ kvUtilisation }) => kvUtilisation))}`,
  ]
}

function time(us: number | null): string {
  return us === null ? '-' : withUnit('us', us)
}
