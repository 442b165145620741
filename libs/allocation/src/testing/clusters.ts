import type { Rng } from '@kvasir/kernel'
import type { ClusterDivision, ClusterInput } from '../cluster/cluster.js'
import { divide } from '../divide.js'
import type { Claim } from '../division.js'
import { wide } from './instances.js'

export interface ClusterShape {
  readonly modelsMax: number
  readonly poolsMax: number
  readonly capacityMax: number
  readonly weightMax: number
  /** Whether models and engines have guarantees and limits. */
  readonly terms: boolean
}

/** Models with a replica in about half of the pools, sometimes two in one, wanting little, much or everything. */
export function randomCluster(rng: Rng, shape: ClusterShape): ClusterInput {
  const modelCount = 1 + rng.int(shape.modelsMax)
  const poolCount = 1 + rng.int(shape.poolsMax)
  const density = 0.2 + 0.7 * rng.uniform()
  const models = Array.from({ length: modelCount }, (_, m) => {
    const guarantee =
      shape.terms && rng.int(4) === 0 ? { guarantee: wide(rng, Math.ceil(shape.capacityMax / 4) + 1) } : {}
    const limit =
      shape.terms && rng.int(4) === 0
        ? { limit: ('guarantee' in guarantee ? guarantee.guarantee : 0) + wide(rng, shape.capacityMax + 1) }
        : {}
    return { id: `model-${m}`, weight: 1 + wide(rng, shape.weightMax), ...guarantee, ...limit }
  })
  const pools = Array.from({ length: poolCount }, (_, p) => {
    const capacity = 1 + wide(rng, shape.capacityMax)
    const hosted = models.flatMap(({ id }, m) => {
      if (rng.uniform() > density && m % poolCount !== p) return []
      return rng.int(10) === 0 ? [id, id] : [id]
    })
    const engines = hosted.map((model, i) => {
      const share = Math.ceil(capacity / hosted.length)
      const limit = shape.terms && rng.int(4) === 0 ? wide(rng, 3 * share + 2) : Infinity
      const guarantee =
        shape.terms && rng.int(4) === 0 ? Math.min(limit, wide(rng, Math.ceil(share / 2) + 1)) : 0
      const demand = rng.int(6) === 0 ? 0 : rng.int(3) === 0 ? Infinity : wide(rng, 4 * share + 2)
      return { engine: `pool-${p}/engine-${i}`, model, guarantee, limit, demand }
    })
    return { capacity, engines }
  })
  return { models, pools }
}

/** What every model gets when each pool divides alone, by a plan's weights and limits or, before the first, by its models' weights. */
export function dividedByPools(input: ClusterInput, plan?: ClusterDivision): number[] {
  const totals = new Map(input.models.map(({ id }) => [id, 0]))
  const weightOf = new Map(input.models.map(({ id, weight }) => [id, weight]))
  input.pools.forEach(({ capacity, engines }, p) => {
    const claims = engines.map((engine, i): Claim => {
      const share = plan?.pools[p][i]
      const { guarantee, demand } = engine
      const weight = share?.weight ?? weightOf.get(engine.model) ?? 1
      return { id: engine.engine, weight, guarantee, limit: share?.limit ?? engine.limit, demand }
    })
    divide({ capacity, claims }).amounts.forEach((amount, i) => {
      const { model } = engines[i]
      totals.set(model, (totals.get(model) ?? 0) + amount)
    })
  })
  return [...totals.values()]
}
