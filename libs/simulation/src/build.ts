import { PoolMachine } from '@kvasir/coordinator-core'
import { DeviceMachine } from '@kvasir/device-core'
import type { EngineMachine } from '@kvasir/engine-core'
import { SpatialGroup, type StepCostModel } from '@kvasir/hardware'
import { invariant, type Micros } from '@kvasir/kernel'
import { type ClusterPlan, type EnginePlan, gpuOf, type ModelPlan, type PoolPlan } from './cluster-plan.js'
import type { LiveRequest } from './live-request.js'
import { LockStep } from './lock-step.js'
import {
  arbitrationOf,
  clusterUnitsOf,
  geometryOf,
  makeEngine,
  poolOptionsOf,
  stepCostOf,
} from './machines.js'
import type { ModelRecord } from './model-record.js'
import { ArrivedTraffic } from './pool-load.js'

/** A device machine and what the simulator keeps beside it. */
export interface DeviceHost {
  readonly index: number
  readonly plan: PoolPlan
  readonly machine: DeviceMachine
  /** The steps that run on it side by side; absent where they take turns, or have fixed fractions of its time. */
  readonly spatial: SpatialGroup | undefined
}

export interface PoolHost {
  readonly index: number
  readonly plan: PoolPlan
  readonly machine: PoolMachine
  readonly device: DeviceHost
  readonly engines: Map<string, EngineHost>
  armedUs: Micros
  /** When its budgets were last divided. */
  dividedUs: Micros
  /** Whether more is demanded than there is. */
  contended: boolean
}

/** An engine machine, its place in the cluster, and its requests by slot. */
export class EngineHost {
  readonly index: number
  readonly plan: EnginePlan
  readonly machine: EngineMachine
  readonly cost: StepCostModel
  readonly device: DeviceHost
  readonly pool: PoolHost
  readonly model: ModelRecord
  readonly modelIndex: number
  /** Bytes of one block on all ranks together. */
  readonly blockBytes: number
  /** Tokens whose KV the whole pool holds. */
  readonly poolTokens: number
  readonly traffic = new ArrivedTraffic()
  /** With whom it computes in lock step; undefined for an engine by itself. */
  lockStep: LockStep | undefined
  joined = false
  armedUs: Micros = Infinity
  /** What has reached an engine that plans ahead too late for its next step. */
  late: LiveRequest[] = []
  /** Number of the device's run under way, and when it ends as things are; -1 when none is. */
  turn = 0
  endUs: Micros = -1
  /** Fraction of the group it has, and since when. */
  share = 1
  startedUs: Micros = 0
  /** Steps planned so far. */
  step = 0
  arriving: LiveRequest | undefined
  /** Tokens computed while its pool was contended. */
  servedTokens = 0
  /** Weighted max-min share so far, and a round at present. */
  idealTokens = 0
  idealPerRound = 0
  budgetTokens = 0
  leaseBundles = 0
  inUseBundles = 0
  /** By slot: when its last token came; -1 before the first. */
  lastTokenUs = new Float64Array(256).fill(-1)
  #live: (LiveRequest | undefined)[] = []
  #frontEndFreeUs: Micros = 0

  constructor(parts: {
    readonly index: number
    readonly plan: EnginePlan
    readonly machine: EngineMachine
    readonly cost: StepCostModel
    readonly pool: PoolHost
    readonly model: ModelRecord
    readonly modelIndex: number
    readonly blockBytes: number
    readonly poolTokens: number
  }) {
    this.index = parts.index
    this.plan = parts.plan
    this.machine = parts.machine
    this.cost = parts.cost
    this.pool = parts.pool
    this.device = parts.pool.device
    this.model = parts.model
    this.modelIndex = parts.modelIndex
    this.blockBytes = parts.blockBytes
    this.poolTokens = parts.poolTokens
  }

  /** When a request that arrives now reaches the engine; the process that reads requests takes them one at a time. */
  passFrontEnd(now: Micros): Micros {
    const { latencyUs, eachUs } = this.model.plan.frontEnd
    this.#frontEndFreeUs = Math.max(now, this.#frontEndFreeUs) + eachUs
    return this.#frontEndFreeUs + latencyUs
  }

  live(slot: number): LiveRequest {
    const live = this.#live[slot]
    invariant(live !== undefined, () => `slot ${slot} of ${this.plan.id} has no request`)
    return live
  }

  bind(slot: number, live: LiveRequest): void {
    if (slot >= this.lastTokenUs.length) {
      const wider = new Float64Array(slot * 2).fill(-1)
      wider.set(this.lastTokenUs)
      this.lastTokenUs = wider
    }
    this.lastTokenUs[slot] = -1
    this.#live[slot] = live
  }

  unbind(slot: number): LiveRequest {
    const live = this.live(slot)
    live.lastTokenUs = this.lastTokenUs[slot]
    this.#live[slot] = undefined
    return live
  }
}

export function buildDevices(plan: ClusterPlan): DeviceHost[] {
  return plan.pools.map((pool, index) => ({
    index,
    plan: pool,
    machine: new DeviceMachine({
      bundles: pool.bundles,
      arbitration: arbitrationOf(plan.policy),
      sharing: pool.sharing ?? 'time',
      gpu: gpuOf(pool),
    }),
    spatial: pool.sharing === 'spatial' ? new SpatialGroup() : undefined,
  }))
}

/** Step costs by model and pool: engines of one kind share one table. */
class CostTables {
  readonly #tables = new Map<string, StepCostModel>()

  of(model: ModelPlan, pool: PoolPlan): StepCostModel {
    const { architecture, weightDtype, kvDtype, host, hostStepUs, hostSequenceUs } = model
    const { expertSplit, dataParallel } = model
    const key = [
      architecture,
      weightDtype,
      kvDtype,
      host,
      hostStepUs,
      hostSequenceUs,
      expertSplit,
      dataParallel,
      pool.gpu,
      pool.tp,
    ].join('/')
    const known = this.#tables.get(key)
    if (known) return known
    const made = stepCostOf(model, pool)
    this.#tables.set(key, made)
    return made
  }
}

export interface Cluster {
  readonly devices: readonly DeviceHost[]
  readonly pools: readonly PoolHost[]
  readonly engines: readonly EngineHost[]
}

/** Makes every machine of a plan. `models` are the plan's, in its order. */
export function buildCluster(plan: ClusterPlan, models: readonly ModelRecord[]): Cluster {
  const costs = new CostTables()
  const devices = buildDevices(plan)
  const pools = devices.map((device) => buildPool(plan, device, costs))
  const engines = plan.engines.map((engine, index) => {
    const modelIndex = plan.models.findIndex((model) => model.name === engine.model)
    const pool = pools.find((candidate) => candidate.plan.id === engine.pool)
    invariant(
      modelIndex >= 0,
      () => `engine ${engine.id} serves ${engine.model}, which the plan does not have`,
    )
    invariant(
      pool !== undefined,
      () => `engine ${engine.id} lies in pool ${engine.pool}, which the plan does not have`,
    )
    const host = buildEngine({ plan, engine, index, modelIndex, model: models[modelIndex], pool, costs })
    pool.engines.set(engine.id, host)
    return host
  })
  for (const model of plan.models) joinInLockStep(model, engines)
  return { devices, pools, engines }
}

/** As many engines as share the experts, in the plan's order. */
function joinInLockStep({ name, dataParallel = 1 }: ModelPlan, engines: readonly EngineHost[]): void {
  if (dataParallel === 1) return
  const serving = engines.filter((engine) => engine.plan.model === name)
  invariant(
    serving.length % dataParallel === 0,
    () => `${serving.length} engines of ${name}, of which ${dataParallel} each share the experts`,
  )
  for (let first = 0; first < serving.length; first += dataParallel) {
    const lockStep = new LockStep()
    for (const engine of serving.slice(first, first + dataParallel)) engine.lockStep = lockStep
  }
}

function buildPool(plan: ClusterPlan, device: DeviceHost, costs: CostTables): PoolHost {
  const served = plan.models.filter((model) =>
    plan.engines.some((engine) => engine.pool === device.plan.id && engine.model === model.name),
  )
  const { policy, settings } = plan
  const options = poolOptionsOf({
    pool: device.plan,
    policy,
    settings,
    models: served,
    costOf: (model) => costs.of(model, device.plan),
  })
  const cluster = plan.clusterShares ? { clusterUnits: clusterUnitsOf({ settings, models: served }) } : {}
  const machine = new PoolMachine({ ...options, ...cluster, epoch: 1 })
  return {
    index: device.index,
    plan: device.plan,
    machine,
    device,
    engines: new Map(),
    armedUs: Infinity,
    dividedUs: 0,
    contended: false,
  }
}

interface HostParts {
  readonly plan: ClusterPlan
  readonly engine: EnginePlan
  readonly index: number
  readonly modelIndex: number
  readonly model: ModelRecord
  readonly pool: PoolHost
  readonly costs: CostTables
}

function buildEngine({ plan, engine, index, modelIndex, model, pool, costs }: HostParts): EngineHost {
  const modelPlan = plan.models[modelIndex]
  const cost = costs.of(modelPlan, pool.plan)
  const weights = plan.engines.filter((other) => other.pool === engine.pool)
  const weightOf = (name: string) =>
    plan.models.find((candidate) => candidate.name === name)?.terms.weight ?? 1
  const share = modelPlan.terms.weight / weights.reduce((sum, other) => sum + weightOf(other.model), 0)
  const machine = makeEngine({
    engine: engine.id,
    incarnation: 1,
    model: modelPlan,
    pool: pool.plan,
    policy: plan.policy,
    settings: plan.settings,
    share,
    cost,
  })
  const geometry = geometryOf(modelPlan, pool.plan)
  return new EngineHost({
    index,
    plan: engine,
    machine,
    cost,
    pool,
    model,
    modelIndex,
    blockBytes: geometry.blockBytesPerRank * pool.plan.tp,
    poolTokens: geometry.tokensPerBundle * pool.plan.bundles,
  })
}
