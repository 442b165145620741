import { PAGE_BYTES } from '@kvasir/hardware'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import type { ClusterPlan, ModelPlan } from '@kvasir/simulation'
import type { ReportFact, ReportRun, RunSeries } from '@kvasir/report'
import type { FinishedRun } from './run-simulation.js'

/** A run in the shape that reports are made of. */
export function reportRun(run: FinishedRun, notes: readonly string[]): ReportRun {
  const { plan, result, summary } = run
  return {
    policy: summary.policy,
    seed: summary.seed,
    summary,
    series: seriesOf(run),
    cdfs: result.cdfs.map(({ model, ttftUs, e2eUs, queueUs }) => ({
      model,
      ttft: ttftUs,
      e2e: e2eUs,
      queue: queueUs,
      slo: plan.models.find(({ name }) => name === model)?.slo,
    })),
    preemptions: { names: result.preemptions.models, bundles: result.preemptions.bundles },
    notes: [...notes, ...conditionNotes(run)],
  }
}

function conditionNotes({ summary, interrupted }: FinishedRun): string[] {
  return [
    ...(interrupted ? ['Interrupted: what had not ended by then counts as unfinished.'] : []),
    ...(summary.skippedLines === undefined
      ? []
      : [`${summary.skippedLines} malformed lines of the trace were skipped.`]),
  ]
}

function seriesOf({ plan, result, summary }: FinishedRun): RunSeries {
  const { timeUs, columns } = result.series
  const values = (column: number) => columns[column].values
  const roundsPerS = MICROS_PER_SECOND / plan.settings.roundUs
  return {
    timeUs,
    endUs: summary.simulatedUs,
    models: result.modelColumns.map((column) => ({
      model: column.model,
      budgetTokensPerS: values(column.budgetTokens).map((tokens) => tokens * roundsPerS),
      leasedBundles: values(column.leaseBundles),
      usedBundles: values(column.inUseBundles),
      queueLength: values(column.waiting),
      running: values(column.running),
    })),
    pools: result.poolColumns.map((column) => ({
      pool: column.pool,
      utilisation: values(column.busyUsPerS).map((busyUs) => Math.min(1, busyUs / MICROS_PER_SECOND)),
    })),
  }
}

/** Models named one by one; more are counted by architecture. */
const MODELS_NAMED = 8

/** The cluster in words. */
export function clusterFacts(plan: ClusterPlan): readonly ReportFact[] {
  return [
    { label: 'TP groups', value: groupsText(plan) },
    ...poolFacts(plan),
    ...modelFacts(plan),
    { label: 'coordinator', value: `rounds of ${plan.settings.roundUs / 1000} ms` },
    { label: 'dispatch', value: plan.dispatch },
  ]
}

/** `4 groups of 4 × H100` */
export function groupsText({ pools }: ClusterPlan): string {
  const kinds = counted(pools.map(({ gpu, tp }) => `${tp} × ${gpu}`))
  return kinds.map(([kind, count]) => `${count} ${count === 1 ? 'group' : 'groups'} of ${kind}`).join(', ')
}

/** Pools that are alike in hardware, memory and models share a line. */
function poolFacts(plan: ClusterPlan): ReportFact[] {
  const alike = new Map<string, string[]>()
  for (const { id, gpu, tp, bundles, pagesPerBundle, sharing } of plan.pools) {
    const gigabytes = ((bundles * pagesPerBundle * PAGE_BYTES * tp) / 1e9).toFixed(0)
    const served = plan.engines.filter(({ pool }) => pool === id).map(({ model }) => model)
    const models = served.length <= MODELS_NAMED ? served.join(', ') : `${served.length} models`
    const side = sharing === 'spatial' ? ', steps side by side' : ''
    const text = `${tp} × ${gpu}, ${gigabytes} GB for KV (${bundles} bundles)${side}: ${models}`
    alike.set(text, [...(alike.get(text) ?? []), id])
  }
  return [...alike].map(([value, ids]) => ({ label: ids.join(', '), value }))
}

function modelFacts(plan: ClusterPlan): ReportFact[] {
  if (plan.models.length > MODELS_NAMED) {
    const kinds = counted(plan.models.map(({ architecture }) => architecture))
    const value = kinds.map(([architecture, count]) => `${count} of ${architecture}`).join(', ')
    return [{ label: `${plan.models.length} models`, value }]
  }
  return plan.models.map((model) => ({ label: model.name, value: modelText(model, plan) }))
}

function modelText(
  { name, architecture, terms, slo, scheduler }: ModelPlan,
  { engines }: ClusterPlan,
): string {
  const replicas = engines.filter(({ model }) => model === name).length
  const limits = [
    slo.ttftUs === undefined ? '' : `TTFT ≤ ${slo.ttftUs / 1000} ms`,
    slo.tpotUs === undefined ? '' : `TPOT ≤ ${slo.tpotUs / 1000} ms`,
    slo.e2eUs === undefined ? '' : `E2E ≤ ${slo.e2eUs / MICROS_PER_SECOND} s`,
  ]
  const share = terms.guarantee > 0 ? `, guarantee ${terms.guarantee * 100} %` : ''
  const cap = terms.limit < 1 ? `, limit ${terms.limit * 100} %` : ''
  const parts = [
    architecture === name ? '' : architecture,
    `${replicas} ${replicas === 1 ? 'engine' : 'engines'}`,
    `weight ${terms.weight}${share}${cap}`,
    `order ${scheduler.order}`,
    ...limits,
  ]
  return parts.filter((part) => part !== '').join(', ')
}

function counted(labels: readonly string[]): [label: string, count: number][] {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts]
}
