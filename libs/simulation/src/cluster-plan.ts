import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import type { DispatchPolicyName } from '@kvasir/dispatch'
import type { Micros } from '@kvasir/kernel'
import type { SchedulerConfig } from '@kvasir/scheduler'

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
}

/** One model instance as operators know it; several may share an architecture. */
export interface ModelPlan {
  readonly name: string
  /** Catalogue name. */
  readonly architecture: string
  readonly terms: EngineTerms
  readonly slo: Slo
  readonly blockSize: number
  /** Host-cost preset of the step-time model. */
  readonly host: string
  readonly placement: 'queue-order' | 'fullest-bundle'
  readonly scheduler: SchedulerConfig
}

/** One replica: an engine that serves `model` on `pool`. */
export interface EnginePlan {
  readonly id: string
  readonly model: string
  readonly pool: string
  readonly joinUs: Micros
  readonly leaveUs: Micros | undefined
}

/** A cluster with every question answered: what a simulation runs. Made from a scenario by {@link planCluster}. */
export interface ClusterPlan {
  readonly name: string
  readonly seed: number
  readonly policy: PolicyName
  readonly settings: PoolSettings
  readonly dispatch: DispatchPolicyName
  /** One-way message latency: a constant plus an exponential part with the given mean. */
  readonly network: { readonly latencyUs: Micros; readonly jitterUs: Micros }
  readonly pools: readonly PoolPlan[]
  readonly models: readonly ModelPlan[]
  readonly engines: readonly EnginePlan[]
}
