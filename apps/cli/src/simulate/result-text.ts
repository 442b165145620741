import type { ModelSummary, PoolSummary, Summary } from '@kvasir/contracts'
import { regimeText, regimeWarnings, renderTable, significant, withUnit } from '@kvasir/report'

type Outcome = Pick<Summary, keyof Summary & keyof ModelSummary>

interface Column {
  readonly name: string
  readonly text: (outcome: Outcome) => string
}

const columns: readonly Column[] = [
  { name: 'requests', text: ({ requests }) => count(requests.submitted) },
  { name: 'finished', text: ({ requests }) => count(requests.finished) },
  { name: 'rejected', text: ({ requests }) => count(requests.rejected) },
  { name: 'unfinished', text: ({ requests }) => count(requests.unfinished) },
  { name: 'TTFT p50', text: ({ ttftUs }) => time(ttftUs.p50) },
  { name: 'p99', text: ({ ttftUs }) => time(ttftUs.p99) },
  { name: 'TPOT p50', text: ({ tpotUs }) => time(tpotUs.p50) },
  { name: 'p99', text: ({ tpotUs }) => time(tpotUs.p99) },
  { name: 'E2E p50', text: ({ e2eUs }) => time(e2eUs.p50) },
  { name: 'p99', text: ({ e2eUs }) => time(e2eUs.p99) },
  {
    name: 'in SLO',
    text: ({ sloAttainment }) => (sloAttainment === null ? '-' : share(sloAttainment)),
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
  const run = [scenario, policy, `seed ${seed}`].join(' · ')
  const length = `${withUnit('us', simulatedUs)} simulated in ${withUnit('us', wallMs * 1000)}`
  return `${run}: ${length}, ${count(events)} events${interrupted ? ', stopped early' : ''}`
}

function closing(summary: Summary): string[] {
  const { requests, jain } = summary
  return [
    `regime       ${regimeText(summary)}`,
    ...regimeWarnings(summary).map((warning) => `warning      ${warning}`),
    `tokens       ${tokensText(summary)}`,
    `preemptions  ${preemptionsText(summary)}`,
    ...swapText(summary),
    ...faultLines(summary),
    ...Object.entries(requests.rejectedBy).map(
      ([reason, number]) => `rejected     ${count(number)}: ${reason}`,
    ),
    ...(jain === null ? [] : [`fairness     Jain's index ${withUnit('index', jain)}`]),
    ...poolLines(summary),
  ]
}

function tokensText({ tokens }: Summary): string {
  const hits =
    tokens.prefixHit === 0 ? [] : [`${count(tokens.prefixHit)} of prompts found in the prefix cache`]
  const { prompt, output, recomputed } = tokens
  return [
    `${count(prompt)} prompt`,
    `${count(output)} output`,
    `${count(recomputed)} recomputed`,
    ...hits,
  ].join(', ')
}

function preemptionsText({ preemptions, pools }: Summary): string {
  const { brokered, granted, partial, denied, victims, local } = preemptions
  const answers = `${count(granted)} granted, ${count(partial)} in part, ${count(denied)} denied`
  const stopped = `stopped: ${count(victims)} sequences for others, ${count(local)} for their own engine`
  return `${count(brokered)} brokered (${answers}); ${stopped}${unaskedText(Object.values(pools))}`
}

/** How much of what came into use nobody was asked for. */
function unaskedText(pools: readonly Summary['pools'][string][]): string {
  let [taken, asked] = [0, 0]
  for (const { growth } of pools) {
    taken += growth.taken
    asked += growth.asked
  }
  return taken === 0 ? '' : `; ${share(Math.max(0, 1 - asked / taken))} of growth without asking`
}

function swapText({ swap }: Summary): string[] {
  if (swap.outBytes === 0) return []
  const gigabytes = (bytes: number) => `${significant(bytes / 1e9)} GB`
  const moved = `${gigabytes(swap.outBytes)} to host memory, ${gigabytes(swap.inBytes)} back`
  const saved = `${count(swap.savedTokens)} tokens not computed again`
  return [`swap         ${moved}: ${saved}; steps waited ${withUnit('us', swap.waitUs)} for copies`]
}

/** Faults one by one while they fit a screen, else all together. */
function faultLines({ faults }: Summary): string[] {
  if (faults === undefined) return []
  const { list, injected, retried, lost, budgetsUs } = faults
  if (list.length > 8) {
    const back = `budgets back in ${time(budgetsUs.mean)} on average, ${time(budgetsUs.max)} at most (${count(budgetsUs.count)} of them)`
    return [`faults       ${count(injected)}: ${back}; ${hurtText({ retried, lost })}`]
  }
  return list.map((fault) => {
    const what = fault.target === '' ? fault.kind : `${fault.kind} ${fault.target}`
    const back = fault.budgetsUs === null ? 'budgets not back' : `budgets back in ${time(fault.budgetsUs)}`
    return `fault        ${what} at ${time(fault.atUs)}: ${back}; ${hurtText(fault)}`
  })
}

function hurtText({ retried, lost }: { readonly retried: number; readonly lost: number }): string {
  return `requests: ${count(lost)} lost, ${count(retried)} sent to another engine`
}

/** Pools one by one while they fit a screen, else the range. */
function poolLines({ pools }: Summary): string[] {
  const entries = Object.entries(pools)
  if (entries.length <= 8) return entries.map(([id, pool]) => `pool ${id.padEnd(7)} ${poolText(pool)}`)
  const range = (values: readonly number[]) =>
    `${share(Math.min(...values))} to ${share(Math.max(...values))}`
  const busy = range(entries.map(([, pool]) => pool.utilisation))
  const kv = range(entries.map(([, pool]) => pool.kvUtilisation))
  return [`pools        ${entries.length}: busy ${busy}, KV in use ${kv}`]
}

function poolText({
  gpu,
  tp,
  utilisation,
  kvUtilisation,
  peakBundles,
  bundles,
  stepTimeUs,
}: PoolSummary): string {
  const memory = `KV in use ${share(kvUtilisation)} (peak ${count(peakBundles)} of ${count(bundles)} bundles)`
  return `${tp} × ${gpu}: busy ${share(utilisation)}, ${memory}, step ${time(stepTimeUs.mean)}`
}

function count(value: number): string {
  return withUnit('count', value)
}

function share(value: number): string {
  return withUnit('share', value)
}

function time(us: number | null): string {
  return us === null ? '-' : withUnit('us', us)
}
