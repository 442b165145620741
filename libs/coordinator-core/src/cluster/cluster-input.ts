import type { ClusterEngine, ClusterInput, ClusterModel } from '@kvasir/allocation'
import type { PoolReport, ReportedEngine } from '@kvasir/contracts'
import { compareIds, type Micros } from '@kvasir/kernel'

export interface HeardReport {
  readonly report: PoolReport
  readonly heardUs: Micros
}

/** Sums of capacity times sums of weights are exact up to here. */
const EXACT_UP_TO = 2 ** 53

/**
 * The cluster as reported. An engine that two pools name is where it was last heard of, for it may have moved; models weigh what
 * they are registered with, else what their pools say.
 *
 * @param reports sorted by pool.
 */
export function clusterInput(
  reports: readonly HeardReport[],
  registeredWeight: (model: string) => number | undefined,
): Omit<ClusterInput, 'before'> {
  const places = placesOf(reports)
  const present = reports.map(({ report }) => ({
    capacity: report.capacityUnits,
    engines: report.engines.filter(({ engine }) => places.get(engine)?.report === report),
  }))
  const weights = new Map<string, number>()
  for (const { engines } of present)
    for (const { model, weight } of engines)
      weights.set(model, registeredWeight(model) ?? Math.max(weight, weights.get(model) ?? 1))
  const models = [...weights]
    .map(([id, weight]): ClusterModel => ({ id, weight }))
    .sort((a, b) => compareIds(a.id, b.id))
  const grain = grainFor(present, models)
  const pools = present.map(({ capacity, engines }) => ({
    capacity: Math.floor(capacity / grain),
    engines: engines.map((engine) => claimOf(engine, grain)),
  }))
  return { models, pools }
}

function placesOf(reports: readonly HeardReport[]): ReadonlyMap<string, HeardReport> {
  const places = new Map<string, HeardReport>()
  for (const heard of reports)
    for (const { engine } of heard.report.engines) {
      const other = places.get(engine)
      if (!other || heard.heardUs > other.heardUs) places.set(engine, heard)
    }
  return places
}

/** Units that count as one, so that very large clusters and weights stay within exact numbers. */
function grainFor(pools: readonly { readonly capacity: number }[], models: readonly ClusterModel[]): number {
  const units = pools.reduce((sum, { capacity }) => sum + capacity, 0)
  const weight = models.reduce((sum, model) => sum + model.weight, 0)
  return Math.max(1, Math.ceil((units * weight) / EXACT_UP_TO))
}

function claimOf(engine: ReportedEngine, grain: number): ClusterEngine {
  const guarantee = Math.floor(Math.min(engine.guaranteeUnits, engine.limitUnits) / grain)
  return {
    engine: engine.engine,
    model: engine.model,
    guarantee,
    limit: Math.floor(engine.limitUnits / grain),
    demand: Math.ceil(engine.demandUnits / grain),
    health: engine.heard ? 'healthy' : 'dead',
  }
}
