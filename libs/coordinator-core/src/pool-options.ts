import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import type { Bundles, Epoch, Micros } from '@kvasir/kernel'

export interface PoolOptions {
  readonly pool: string
  readonly bundles: Bundles
  readonly policy: PolicyName
  readonly settings: PoolSettings
  /** Terms by model, as registered. */
  readonly terms: ReadonlyMap<string, EngineTerms>
  /** Cost of one token by model, in the pool's unit; absent models cost 1. */
  readonly unitsPerToken: ReadonlyMap<string, number>
  /** Tokens per second by model before an engine has measured any. */
  readonly nominalRate: ReadonlyMap<string, number>
  readonly epoch: Epoch
  /** How far after the whole multiples of its length a round begins; absent: at them. Pools of one process begin theirs apart. */
  readonly roundPhaseUs?: Micros | undefined
  /** Units of the cluster in one of the pool; absent: the pool belongs to no cluster and reports to nobody. */
  readonly clusterUnits?: number | undefined
}

/** All of them, those left out as undefined: a field that is forgotten in {@link inOneShape} does not compile. */
type AllPoolOptions = { readonly [Name in keyof Required<PoolOptions>]: PoolOptions[Name] }

/**
 * The same, field by field. Options are put together by spreads, which leave every pool's a shape of its own; and to read a field of any of
 * many shapes takes long, in each round of each of thousands of pools.
 */
export function inOneShape(options: PoolOptions): AllPoolOptions {
  return {
    pool: options.pool,
    bundles: options.bundles,
    policy: options.policy,
    settings: options.settings,
    terms: options.terms,
    unitsPerToken: options.unitsPerToken,
    nominalRate: options.nominalRate,
    epoch: options.epoch,
    clusterUnits: options.clusterUnits,
    roundPhaseUs: options.roundPhaseUs,
  }
}
