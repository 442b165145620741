import type { EngineTerms, PolicyName, PoolSettings } from '@kvasir/contracts'
import type { Bundles, Epoch } from '@kvasir/kernel'

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
  /** Units of the cluster in one of the pool; absent: the pool belongs to no cluster and reports to nobody. */
  readonly clusterUnits?: number
}
