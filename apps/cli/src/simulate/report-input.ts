import { PAGE_BYTES } from '@kvasir/hardware'
import { MICROS_PER_SECOND } from '@kvasir/kernel'
import type { ClusterPlan } from '@kvasir/simulation'
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

/** The cluster in words. */
export function clusterFacts(plan: ClusterPlan): readonly ReportFact[] {
  const pools = plan.pools.map(({ id, gpu, tp, bundles, pagesPerBundle }) => {
    const gigabytes = ((bundles * pagesPerBundle * PAGE_BYTES * tp) / 1e9).toFixed(0)
    const served = plan.engines.filter(({ pool }) => pool === id).map(({ model }) => model)
    return {
      label: `${gpu} × ${tp}`,
      value: `${gigabytes} GB for KV in ${bundles} bundles: ${served.join(', ')}`,
      id,
    }
  })
  return [
    { label: 'TP groups', value: alike(pools.map(({ label }) => label)) },
    ...(pools.length <= 8
      ? pools.map(({ id, label, value }) => ({ label: id, value: `${label}, ${value}` }))
      : []),
    ...modelFacts(plan),
    { label: 'round', value: `${plan.settings.roundUs / 1000} ms, dispatch ${plan.dispatch}` },
  ]
}

function modelFacts({ models, engines }: ClusterPlan): ReportFact[] {
  return models.map(({ name, architecture, terms, slo, scheduler }) => {
    const replicas = engines.filter(({ model }) => model === name).length
    const limits = [
      slo.ttftUs === undefined ? '' : `TTFT ≤ ${slo.ttftUs / 1000} ms`,
      slo.tpotUs === undefined ? '' : `TPOT ≤ ${slo.tpotUs / 1000} ms`,
      slo.e2eUs === undefined ? '' : `E2E ≤ ${slo.e2eUs / MICROS_PER_SECOND} s`,
    ].filter((limit) => limit !== '')
    const share = terms.guarantee > 0 ? `, guarantee ${terms.guarantee * 100} %` : ''
    const cap = terms.limit < 1 ? `, limit ${terms.limit * 100} %` : ''
    return {
      label: name,
      value: [
        `${architecture}, ${replicas} ${replicas === 1 ? 'engine' : 'engines'}, weight ${terms.weight}${share}${cap}`,
        `order ${scheduler.order}, context ${scheduler.contextLimit}`,
        ...limits,
      ].join('; '),
    }
  })
}

/** `4 × (H100 × 4), 1 × (A30 × 2)` */
function alike(labels: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([label, count]) => `${count} × (${label})`).join(', ')
}
