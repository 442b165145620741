import type { Health } from '../division.js'

/** A model's claim on the whole cluster. Amounts are in the one unit in which all pools count. */
export interface ClusterModel {
  readonly id: string
  /** Whole number, at least 1. */
  readonly weight: number
  /** Over all its engines together, beyond their own guarantees; default 0. */
  readonly guarantee?: number
  /** Over all its engines together, but never less than their own floors; default none. */
  readonly limit?: number
}

/** One replica as its pool reports it. Its own terms, not those of an earlier plan. */
export interface ClusterEngine {
  /** Id, different from that of every other engine of the cluster. */
  readonly engine: string
  /** Id of a model of the input. */
  readonly model: string
  readonly guarantee: number
  readonly limit: number
  readonly demand: number
  readonly health?: Health
}

export interface ClusterPool {
  readonly capacity: number
  readonly engines: readonly ClusterEngine[]
  /** As in `DivisionInput`. */
  readonly maxShare?: number
}

export interface ClusterInput {
  readonly models: readonly ClusterModel[]
  readonly pools: readonly ClusterPool[]
  /**
   * `plan` of the call before. It decides nothing but which of several equally fair placements is taken: one near to what the pools
   * do by it now. Whoever is absent starts from its model's weight.
   */
  readonly before?: ReadonlyMap<string, EngineShare>
}

/** What a model gets of the whole cluster: `numerator / denominator`, exactly. */
export interface ModelTarget {
  readonly model: string
  readonly numerator: number
  readonly denominator: number
  /** The same, to double precision. */
  readonly exact: number
  /** Units per weight of the models it competes with; null when all of them have all they may have. */
  readonly level: number | null
}

/** What one pool's own division needs to know of one engine, and what will come of it. */
export interface EngineShare {
  readonly engine: string
  /** Whole number in 1..2^53; compares with the other engines of its pool alone. */
  readonly weight: number
  /** The engine's own limit, or its part of its model's. */
  readonly limit: number
  /** Units of its pool it gets when the pool divides by these weights and limits, but for rounding. */
  readonly exact: number
}

/** Guarantees of these models cannot all be kept with the engines they have: they were divided by the same rule. */
export interface ClusterCondition {
  readonly kind: 'guarantees_overcommitted'
  readonly models: readonly string[]
}

export interface ClusterDivision {
  /** In the order of the input's models. */
  readonly targets: readonly ModelTarget[]
  /** In the order of the input's pools and of their engines. */
  readonly pools: readonly (readonly EngineShare[])[]
  /** The same shares by engine: hand to the next call. */
  readonly plan: ReadonlyMap<string, EngineShare>
  readonly conditions: readonly ClusterCondition[]
}
