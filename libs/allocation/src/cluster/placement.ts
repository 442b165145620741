import { invariant } from '@kvasir/kernel'
import { boundsFor, loadClaim } from '../bounds.js'
import { CarryReader } from '../carry.js'
import { divide } from '../divide.js'
import type { Claim, DivisionInput } from '../division.js'
import { Level } from '../level.js'
import type { ClusterInput, ClusterPool } from './cluster.js'

/** Products of a capacity and a sum of weights must stay exact in a double. */
const EXACT_UP_TO = 2 ** 53

/**
 * A cluster as arrays: models and pools, and engines as the edges between them. Floors of engines are given before anything is
 * divided: `room` of a pool and `spare` of an engine are what lies above them.
 */
export interface Placement {
  readonly weights: Float64Array
  /** Floor and cap of each model, and the part of it that its engines have already. */
  readonly floors: Float64Array
  readonly caps: Float64Array
  readonly given: Float64Array
  /** Whether a model's cap is its own limit and not what its engines can use. */
  readonly limited: Uint8Array
  readonly room: Float64Array
  /** Pools whose own guarantees exceed them: nothing is left there to plan. */
  readonly crowded: Uint8Array
  readonly engineModel: Int32Array
  readonly enginePool: Int32Array
  readonly engineFloors: Float64Array
  readonly spare: Float64Array
  /** What each engine has above its floor under the plan before: where the search starts. */
  readonly before: Float64Array
}

/** @throws {InvariantError} on unknown models, doubled ids, and numbers whose products would pass 2^53. */
export function placementOf(input: ClusterInput): Placement {
  const { models, pools } = input
  const indexOf = new Map(models.map((model, m) => [model.id, m]))
  invariant(indexOf.size === models.length, () => `${models.length} models have ${indexOf.size} ids`)
  const engineCount = pools.reduce((count, pool) => count + pool.engines.length, 0)
  const placement: Placement = {
    weights: Float64Array.from(models, (model) => model.weight),
    floors: new Float64Array(models.length),
    caps: new Float64Array(models.length),
    given: new Float64Array(models.length),
    limited: new Uint8Array(models.length),
    room: new Float64Array(pools.length),
    crowded: new Uint8Array(pools.length),
    engineModel: new Int32Array(engineCount),
    enginePool: new Int32Array(engineCount),
    engineFloors: new Float64Array(engineCount),
    spare: new Float64Array(engineCount),
    before: new Float64Array(engineCount),
  }
  let first = 0
  pools.forEach((pool, p) => {
    const modelOf = pool.engines.map(({ engine, model }) => {
      const m = indexOf.get(model)
      invariant(m !== undefined, () => `engine ${engine} serves ${model}, which is no model of the input`)
      return m
    })
    loadPool(placement, input, { pool, p, first, modelOf })
    first += pool.engines.length
  })
  loadModels(placement, input)
  return placement
}

// Reused by every pool: nothing here calls anything that could use them.
const level = new Level()
const nothingCarried = new CarryReader()

interface PoolPlace {
  readonly pool: ClusterPool
  readonly p: number
  /** Number of its first engine. */
  readonly first: number
  readonly modelOf: readonly number[]
}

function loadPool(placement: Placement, input: ClusterInput, place: PoolPlace): void {
  const { pool, p, first, modelOf } = place
  const claims = pool.engines.map(
    ({ engine, ...terms }, i): Claim => ({ id: engine, weight: placement.weights[modelOf[i]], ...terms }),
  )
  const division: DivisionInput = {
    capacity: pool.capacity,
    claims,
    ...(pool.maxShare === undefined ? {} : { maxShare: pool.maxShare }),
  }
  level.reset(claims.length)
  const bounds = boundsFor(division)
  claims.forEach((claim, i) => loadClaim(level, i, claim, bounds, nothingCarried))
  const crowded = level.sumUpTo(level.floors, pool.capacity) === Infinity
  const divided = divide(
    crowded ? division : { ...division, claims: claims.map((claim) => asPlanned(claim, input.before)) },
  )

  placement.crowded[p] = crowded ? 1 : 0
  placement.room[p] = pool.capacity
  claims.forEach((_, i) => {
    const engine = first + i
    const floor = crowded ? divided.amounts[i] : level.floors[i]
    placement.engineModel[engine] = modelOf[i]
    placement.enginePool[engine] = p
    placement.engineFloors[engine] = floor
    placement.spare[engine] = crowded ? 0 : level.caps[i] - floor
    placement.before[engine] = Math.max(0, divided.exact[i] - floor)
    placement.room[p] -= floor
  })
}

/** The claim as its pool has it under the plan before. */
function asPlanned(claim: Claim, before: ClusterInput['before']): Claim {
  const share = before?.get(claim.id)
  if (share === undefined) return claim
  return {
    ...claim,
    weight: share.weight,
    limit: Math.max(claim.guarantee, Math.min(claim.limit, share.limit)),
  }
}

function loadModels(placement: Placement, input: ClusterInput): void {
  const { floors, caps, given, limited, engineModel, engineFloors, spare } = placement
  engineModel.forEach((m, engine) => {
    given[m] += engineFloors[engine]
    caps[m] += engineFloors[engine] + spare[engine]
  })
  input.models.forEach(({ id, weight, guarantee = 0, limit = Infinity }, m) => {
    invariant(
      Number.isInteger(weight) && weight >= 1,
      () => `weight ${weight} of ${id} is no whole number from 1`,
    )
    invariant(
      isAmount(guarantee) && isAmount(limit) && guarantee <= limit && guarantee < Infinity,
      () => `guarantee ${guarantee}, limit ${limit} of ${id} are no whole amounts in order`,
    )
    limited[m] = limit < caps[m] ? 1 : 0
    caps[m] = Math.max(given[m], Math.min(limit, caps[m]))
    floors[m] = Math.min(caps[m], Math.max(guarantee, given[m]))
  })
  const units = input.pools.reduce((sum, pool) => sum + pool.capacity, 0)
  const weight = input.models.reduce((sum, model) => sum + model.weight, 0)
  invariant(
    units * Math.max(1, weight) <= EXACT_UP_TO,
    () => `${units} units of capacity times ${weight} of weight pass 2^53`,
  )
}

function isAmount(value: number): boolean {
  return value >= 0 && (Number.isInteger(value) || value === Infinity)
}
