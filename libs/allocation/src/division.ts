import type { Carry } from './carry.js'

/** Largest capacity: every whole number up to here is exact in a double. */
export const CAPACITY_MAX = 2 ** 53

export type Health = 'healthy' | 'degraded' | 'dead'

/**
 * One engine's claim on a divisible resource (tokens of a round, or bundles of a pool). Guarantee, limit and demand are
 * whole amounts of that resource; limit and demand may be Infinity.
 */
export interface Claim {
  readonly id: string
  /** Whole number, at least 1: the share of what is left over. */
  readonly weight: number
  /** Floor, returned on demand. */
  readonly guarantee: number
  /** Most of the guarantee that others may have while it is not demanded; the rest stays unused. Absent: all of it. */
  readonly lendingLimit?: number
  /** Ceiling; Infinity: none. */
  readonly limit: number
  /** What could be used now; Infinity: everything. */
  readonly demand: number
  /** Default `healthy`; anything else gets nothing and its share goes to the others. */
  readonly health?: Health
  /** Id of the group whose share this claim divides with its siblings; absent: directly below the whole. */
  readonly group?: string
}

/** Claims (and groups) that share one share. Its demand is the sum of its members' demands. */
export interface Group {
  readonly id: string
  readonly weight: number
  readonly guarantee?: number
  readonly limit?: number
  readonly parent?: string
}

export interface DivisionInput {
  /** Whole number in 0..2^53. */
  readonly capacity: number
  readonly claims: readonly Claim[]
  readonly groups?: readonly Group[]
  /** Largest share of the capacity one claim may have, in 0..1, read in whole millionths; default 1. */
  readonly maxShare?: number
  /**
   * Fractions earlier rounds owe. Absent: the division stands alone and rounds by Webster's rank, which is as monotone as
   * quota rounding gets. Present (start with `NO_CARRY`): rounding is fair over time.
   */
  readonly carry?: Carry
}

export type Condition =
  /** Floors (of the whole, or of one group) exceed what there is to divide: they were divided by the same rule. */
  | {
      readonly kind: 'guarantees_overcommitted'
      readonly group: string | null
      readonly guaranteed: number
      readonly capacity: number
    }
  /** Fewer units than claims with demand: not everybody can get one in every round. */
  | { readonly kind: 'fewer_units_than_claims'; readonly claims: number; readonly capacity: number }
  /** The policy hands out more than there is, on purpose. */
  | { readonly kind: 'sum_exceeds_capacity'; readonly sum: number; readonly capacity: number }

export interface Division {
  /** Whole amounts in the order of the claims; they add up to min(capacity, sum of caps), less what lending limits keep unused. */
  readonly amounts: readonly number[]
  /** The real-valued amounts that `amounts` round, each within one unit, to double precision. */
  readonly exact: readonly number[]
  /**
   * The highest level at which `exact = clamp(weight x level, floor, cap)`, in units per weight; null when everybody has its
   * cap and nobody is limited by it. With groups: the level at the top.
   */
  readonly level: number | null
  /** What nobody demanded, lent by weight up to each limit, revocable at once; never inside `amounts`. */
  readonly lent: readonly number[]
  readonly conditions: readonly Condition[]
  /** Hand to the next round's input. */
  readonly carry: Carry
}
