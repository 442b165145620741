import type { PoolSettings, PreemptionDecision } from '@kvasir/contracts'
import type { Bundles } from '@kvasir/kernel'
import type { Ledger } from '@kvasir/reclaim'
import type { Member } from './member.js'
import type { MemoryRegime } from './memory-regime.js'
import type { PoolDecision } from './pool-decision.js'

/** What a broker works with; the machine around it has it. */
export interface BrokerParts {
  readonly ledger: Ledger
  readonly settings: PoolSettings
  readonly regime: MemoryRegime
  /** Of the pool. */
  readonly bundles: Bundles
  member(engine: string): Member | undefined
  /** Sorted by engine id. */
  members(): readonly Member[]
  decided(line: PreemptionDecision): void
  log(decision: PoolDecision): void
}
