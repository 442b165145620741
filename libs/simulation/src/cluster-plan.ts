import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import type { Sharing } from '@kvasir/device-core'
import type { DispatchPolicyName } from '@kvasir/dispatch'
import {
  type Dtype,
  type ExpertSharing,
  type FrontEndCost,
  type Gpu,
  type KernelProfile,
  knownGpu,
  knownModel,
  type Model,
  withDtypes,
} from '@kvasir/hardware'
import type { Bytes, Micros } from '@kvasir/kernel'
import type { SchedulerConfig } from '@kvasir/scheduler'
import type { FaultPlan } from './faults/fault-plan.js'

/** What a finished request must have kept to count as good; undefined members are not asked for. */
export interface Slo {
  readonly ttftUs: Micros | undefined
  /** Mean time per output token after the first. */
  readonly tpotUs: Micros | undefined
  readonly e2eUs: Micros | undefined
}

/** One TP group and what its memory holds besides weights. */
export interface PoolPlan {
  readonly id: string
  /** Catalogue name of its GPUs. */
  readonly gpu: string
  readonly tp: number
  readonly pagesPerBundle: number
  /** Bundles left for KV once every engine's weights are loaded. */
  readonly bundles: number
  /** What its engines share of it; `time` unless said otherwise. */
  readonly sharing?: Sharing
  /** What was measured on its GPUs, in place of what ships. */
  readonly profile?: KernelProfile
  /** `profile` unless said otherwise: see `StepCostOptions`. */
  readonly basis?: 'profile' | 'roofline'
}

/** The pools' GPUs as the catalogue has them, but for what was measured. */
export function gpuOf({ gpu, profile }: Pick<PoolPlan, 'gpu' | 'profile'>): Gpu {
  const known = knownGpu(gpu)
  return profile?.copies === undefined ? known : { ...known, hostCopy: profile.copies }
}

/** A plan whose GPUs are as `profiles` measured them; GPUs that none is of stay as they were. */
export function withProfiles(plan: ClusterPlan, profiles: readonly KernelProfile[]): ClusterPlan {
  if (profiles.length === 0) return plan
  const pools = plan.pools.map((pool) => {
    const profile = profiles.find(({ gpu }) => gpu === pool.gpu)
    return profile === undefined ? pool : { ...pool, profile }
  })
  return { ...plan, pools }
}

/** What it takes an engine to work with a group in another process, microseconds. */
export interface RemoteGroupPlan {
  /** One way. */
  readonly latencyUs: Micros
  /** Own work after a step, before the engine hears or says anything else there: its tokens go out, the next step is planned. */
  readonly outputUs: number
  /** The same, for each further sequence of the step. */
  readonly outputSequenceUs: number
}

/** One model instance as operators know it; several may share an architecture. */
export interface ModelPlan extends ExpertSharing {
  readonly name: string
  /** Catalogue name. */
  readonly architecture: string
  readonly terms: EngineTerms
  readonly slo: Slo
  readonly blockSize: number
  /** In place of the checkpoint's. */
  readonly weightDtype?: Dtype
  readonly kvDtype?: Dtype
  /** Host-cost preset of the step-time model. */
  readonly host: string
  /** In place of the preset's, microseconds. */
  readonly hostStepUs?: number
  readonly hostSequenceUs?: number
  /** What every step takes, in place of the cost model. */
  readonly fixedStepUs?: Micros
  readonly frontEnd: FrontEndCost
  /** Its engines' groups are in other processes; in the engine's own unless said otherwise. */
  readonly remoteGroup?: RemoteGroupPlan
  /** Whether what arrives during a step waits for the one after next. */
  readonly plansAhead: boolean
  readonly placement: 'queue-order' | 'fullest-bundle'
  /** Host memory of one engine for the KV of stopped sequences, on each rank. */
  readonly swapBytesPerRank: Bytes
  readonly scheduler: SchedulerConfig
}

/** The architecture in the number formats it is served in. */
export function servedModel({ architecture, weightDtype, kvDtype }: ModelPlan): Model {
  return withDtypes(knownModel(architecture), {
    ...(weightDtype === undefined ? {} : { weight: weightDtype }),
    ...(kvDtype === undefined ? {} : { kv: kvDtype }),
  })
}

/** One replica: an engine that serves `model` on `pool`. */
export interface EnginePlan {
  readonly id: string
  readonly model: string
  readonly pool: string
  readonly joinUs: Micros
  readonly leaveUs: Micros | undefined
}

/** Whose requests are counted by themselves, and what orders give them. */
export interface TenantPlan {
  readonly name: string
  readonly weight: number
}

/** A cluster with every question answered: what a simulation runs. Made from a scenario by {@link planCluster}. */
export interface ClusterPlan {
  readonly name: string
  readonly seed: number
  readonly policy: PolicyName
  readonly settings: PoolSettings
  /** Whether an owner of the cluster weighs models over all their pools. */
  readonly clusterShares?: boolean
  readonly dispatch: DispatchPolicyName
  /** One-way message latency: a constant plus an exponential part with the given mean. */
  readonly network: { readonly latencyUs: Micros; readonly jitterUs: Micros }
  readonly pools: readonly PoolPlan[]
  readonly models: readonly ModelPlan[]
  readonly engines: readonly EnginePlan[]
  /** None unless said otherwise. */
  readonly faults?: readonly FaultPlan[]
  /** Nobody unless said otherwise. */
  readonly tenants?: readonly TenantPlan[]
}
