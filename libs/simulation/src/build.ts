import type { DeviceSnapshot } from '@kvasir/contracts'
import { PoolMachine, type PoolOptions } from '@kvasir/coordinator-core'
import { DeviceMachine } from '@kvasir/device-core'
import type { EngineMachine } from '@kvasir/engine-core'
import { SpatialGroup, type StepCostModel } from '@kvasir/hardware'
import { invariant, type Micros } from '@kvasir/kernel'
import { type ClusterPlan, type EnginePlan, gpuOf, type ModelPlan, type PoolPlan } from './cluster-plan.js'
import type { CostTables } from './cost-tables.js'
import type { LiveRequest } from './live-request.js'
import { LockStep } from './lock-step.js'
import { arbitrationOf, clusterUnitsOf, geometryOf, makeEngine, poolOptionsOf } from './machines.js'
import type { ModelRecord } from './model-record.js'
import { ArrivedTraffic } from './pool-load.js'

/** A device machine and what the simulator keeps beside it. */
export interface DeviceHost {
  readonly index: number
  readonly plan: PoolPlan
  machine: DeviceMachine
  /** Whether it has lost its GPUs: it hears nothing and computes nothing. */
  down: boolean
  /** The steps that run on it side by side; absent where they take turns, or have fixed fractions of its time. */
  readonly spatial: SpatialGroup | undefined
}

export interface PoolHost {
  readonly index: number
  readonly plan: PoolPlan
  /** Of the owner in office, or of the last one. */
  machine: PoolMachine
  readonly options: Omit<PoolOptions, 'epoch'>
  /** Whether nothing is decided: the pool has no owner, or its owner no store. */
  muted: boolean
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
  machine: EngineMachine
  /** Of its process; the machine is of the same run. */
  incarnation = 1
  /** Whether its process is gone: it hears nothing. */
  dead = false
  /** Whether requests are sent to it. */
  serving = false
  readonly cost: StepCostModel
  readonly device: DeviceHost
  readonly pool: PoolHost
  readonly model: ModelRecord
  readonly modelIndex: number
  /** Bytes of one block on all ranks together. */
  readonly blockBytes: number
  /** Share of a bundle behind its last block. */
  readonly bundleEdge: number
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
  readonly #make: (incarnation: number) => EngineMachine
  #live: (LiveRequest | undefined)[] = []
  #frontEndFreeUs: Micros = 0

  constructor(parts: {
    readonly index: number
    readonly plan: EnginePlan
    /** Makes a run of it, with nothing in it. */
    readonly make: (incarnation: number) => EngineMachine
    readonly cost: StepCostModel
    readonly pool: PoolHost
    readonly model: ModelRecord
    readonly modelIndex: number
    readonly blockBytes: number
    readonly bundleEdge: number
    readonly poolTokens: number
  }) {
    this.index = parts.index
    this.plan = parts.plan
    this.#make = parts.make
    this.machine = parts.make(this.incarnation)
    this.cost = parts.cost
    this.pool = parts.pool
    this.device = parts.pool.device
    this.model = parts.model
    this.modelIndex = parts.modelIndex
    this.blockBytes = parts.blockBytes
    this.bundleEdge = parts.bundleEdge
    this.poolTokens = parts.poolTokens
  }

  /** Its process is gone, with all that was in it; the next run has nothing. */
  forget(): void {
    invariant(
      this.#live.every((live) => live === undefined),
      () => `${this.plan.id} forgets requests that have no end`,
    )
    this.machine = this.#make(++this.incarnation)
    this.armedUs = Infinity
    this.late = []
  }

  /** When a request that arrives now reaches the engine; the process that reads requests takes them one at a time. */
  passFrontEnd(now: Micros): Micros {
    const { latencyUs, eachUs } = this.model.plan.frontEnd
    this.#frontEndFreeUs = Math.max(now, this.#frontEndFreeUs) + eachUs
    return this.#frontEndFreeUs + latencyUs
  }

  live(slot: number): LiveRequest {
    const live = this.#live[slot]
    if (live === undefined) refuseSlot(slot, this.plan)
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

/** Apart from `live`, so that the hot path carries no closure. */
function refuseSlot(slot: number, { id }: EnginePlan): never {
  invariant(false, () => `slot ${slot} of ${id} has no request`)
}

export function buildDevices(plan: ClusterPlan): DeviceHost[] {
  return plan.pools.map((pool, index) => ({
    index,
    plan: pool,
    machine: buildDevice(plan, pool),
    down: false,
    spatial: pool.sharing === 'spatial' ? new SpatialGroup() : undefined,
  }))
}

/** @param restored what an earlier run of the same group knew. */
export function buildDevice(plan: ClusterPlan, pool: PoolPlan, restored?: DeviceSnapshot): DeviceMachine {
  return new DeviceMachine({
    bundles: pool.bundles,
    arbitration: arbitrationOf(plan.policy),
    sharing: pool.sharing ?? 'time',
    gpu: gpuOf(pool),
    ...(restored === undefined ? {} : { restored }),
  })
}

export interface Cluster {
  readonly devices: readonly DeviceHost[]
  readonly pools: readonly PoolHost[]
  readonly engines: readonly EngineHost[]
}

/** Makes every machine of a plan. `models` are the plan's, in its order. */
export function buildCluster(plan: ClusterPlan, models: readonly ModelRecord[], costs: CostTables): Cluster {
  const devices = buildDevices(plan)
  const residents = residentsOf(plan)
  const pools = devices.map((device) => buildPool(plan, device, residents.get(device.plan.id) ?? [], costs))
  const poolById = new Map(pools.map((pool) => [pool.plan.id, pool]))
  const engines = plan.engines.map((engine, index) => {
    const modelIndex = plan.models.findIndex((model) => model.name === engine.model)
    const pool = poolById.get(engine.pool)
    invariant(
      modelIndex >= 0,
      () => `engine ${engine.id} serves ${engine.model}, which the plan does not have`,
    )
    invariant(
      pool !== undefined,
      () => `engine ${engine.id} lies in pool ${engine.pool}, which the plan does not have`,
    )
    const neighbours = residents.get(engine.pool) ?? []
    const model = models[modelIndex]
    const host = buildEngine({ plan, engine, neighbours, index, modelIndex, model, pool, costs })
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
    const members = serving.slice(first, first + dataParallel)
    const lockStep = new LockStep(members)
    for (const engine of members) engine.lockStep = lockStep
  }
}

/** Engines by pool, each in the order of the plan: looked through for every engine, so that thousands must not be all engines. */
function residentsOf({ engines }: ClusterPlan): ReadonlyMap<string, readonly EnginePlan[]> {
  const residents = new Map<string, EnginePlan[]>()
  for (const engine of engines) {
    const known = residents.get(engine.pool)
    if (known === undefined) residents.set(engine.pool, [engine])
    else known.push(engine)
  }
  return residents
}

function buildPool(
  plan: ClusterPlan,
  device: DeviceHost,
  residents: readonly EnginePlan[],
  costs: CostTables,
): PoolHost {
  const served = plan.models.filter((model) => residents.some((engine) => engine.model === model.name))
  const { policy, settings } = plan
  const common = poolOptionsOf({
    pool: device.plan,
    policy,
    settings,
    models: served,
    costOf: (model) => costs.of(model, device.plan),
  })
  const cluster = plan.clusterShares ? { clusterUnits: clusterUnitsOf({ settings, models: served }) } : {}
  const options = { ...common, ...cluster }
  const machine = new PoolMachine({ ...options, epoch: 1 })
  return {
    index: device.index,
    plan: device.plan,
    machine,
    options,
    muted: false,
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
  /** All engines of its pool, itself among them. */
  readonly neighbours: readonly EnginePlan[]
  readonly index: number
  readonly modelIndex: number
  readonly model: ModelRecord
  readonly pool: PoolHost
  readonly costs: CostTables
}

function buildEngine(parts: HostParts): EngineHost {
  const { plan, engine, neighbours, index, modelIndex, model, pool, costs } = parts
  const modelPlan = plan.models[modelIndex]
  const cost = costs.of(modelPlan, pool.plan)
  const weightOf = (name: string) =>
    plan.models.find((candidate) => candidate.name === name)?.terms.weight ?? 1
  const share = modelPlan.terms.weight / neighbours.reduce((sum, other) => sum + weightOf(other.model), 0)
  const make = (incarnation: number) =>
    makeEngine({
      engine: engine.id,
      incarnation,
      model: modelPlan,
      pool: pool.plan,
      policy: plan.policy,
      settings: plan.settings,
      share,
      cost,
      remote: modelPlan.remoteGroup !== undefined,
    })
  const geometry = geometryOf(modelPlan, pool.plan)
  return new EngineHost({
    index,
    plan: engine,
    make,
    cost,
    pool,
    model,
    modelIndex,
    blockBytes: geometry.blockBytesPerRank * pool.plan.tp,
    bundleEdge: geometry.wasteBytesPerBundle / geometry.bundleBytesPerRank,
    poolTokens: geometry.tokensPerBundle * pool.plan.bundles,
  })
}
