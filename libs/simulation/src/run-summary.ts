import { type FaultSummary, type SimulatedSummary, SUMMARY_VERSION } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import { attainmentOfAll, jainOfShares, type ServedShare } from '@kvasir/metrics'
import type { EngineHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import type { ModelRecord } from './model-record.js'
import { OutcomeRecord } from './outcome-record.js'
import type { PoolRecord } from './pool-record.js'
import type { TenantRecord } from './tenant-record.js'

export interface RunFacts {
  readonly nowUs: Micros
  readonly events: number
  readonly rounds: number
  readonly interrupted: boolean
  readonly conditions: ReadonlySet<string>
  readonly faults?: FaultSummary
}

/** `summary.json` but for what only the outside knows: wall time and lines skipped. */
export function summariseRun(
  cluster: {
    readonly plan: ClusterPlan
    readonly models: readonly ModelRecord[]
    readonly tenants: readonly TenantRecord[]
    readonly pools: readonly PoolRecord[]
    readonly engines: readonly EngineHost[]
  },
  run: RunFacts,
): SimulatedSummary {
  const { plan, models, tenants, pools, engines } = cluster
  const all = new OutcomeRecord()
  for (const model of models) all.absorb(model)
  const summaries = models.map((model) =>
    model.summary(run.nowUs, engines.filter((host) => host.model === model).map(shareOf)),
  )
  return {
    version: SUMMARY_VERSION,
    scenario: plan.name,
    seed: plan.seed,
    policy: plan.policy,
    ...all.outcome(),
    sloAttainment: attainmentOfAll(models.map((model) => model.slo)) ?? null,
    goodputPerS: summaries.reduce((sum, summary) => sum + summary.goodputPerS, 0),
    jain: jainOfShares(engines.map(shareOf)) ?? null,
    simulatedUs: run.nowUs,
    events: run.events,
    rounds: run.rounds,
    interrupted: run.interrupted,
    conditions: [...run.conditions].sort(),
    ...(run.faults ? { faults: run.faults } : {}),
    models: Object.fromEntries(summaries.map((summary, i) => [models[i].plan.name, summary])),
    tenants: Object.fromEntries(tenants.map((tenant) => [tenant.plan.name, tenant.summary()])),
    pools: Object.fromEntries(
      pools.map((pool) => {
        const served = engines.filter((host) => host.plan.pool === pool.plan.id)
        return [pool.plan.id, pool.summary(run.nowUs, served)]
      }),
    ),
  }
}

function shareOf(host: EngineHost): ServedShare {
  return { served: host.servedTokens, ideal: host.idealTokens }
}
