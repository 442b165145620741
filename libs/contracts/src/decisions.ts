import type { DonationClass, DenialReason, PreemptionOutcome } from './outcome.js'

/** What one donor gives for a preemption request. */
export interface Donation {
  readonly engine: string
  readonly bundles: number
  readonly costUs: number
  readonly class: DonationClass
}

/** One line of the decision log: why a request for memory was answered as it was. */
export interface PreemptionDecision {
  readonly atUs: number
  readonly id: string
  readonly engine: string
  readonly priority: number
  readonly bundles: number
  readonly minBundles: number
  /** `planned` when donors were told to release; the end follows as a decision of its own. */
  readonly outcome: PreemptionOutcome['kind'] | 'planned'
  readonly reason: DenialReason | 'cancelled' | null
  readonly granted: number
  readonly costUs: number
  readonly donations: readonly Donation[]
  readonly explanation: string
  readonly counterfactual: string | null
}

/** What one engine got in one round. */
export interface RoundShare {
  readonly engine: string
  readonly demandTokens: number
  readonly tokens: number
  readonly lentTokens: number
  /** Weighted max-min share in the pool's unit, whatever the policy: the yardstick of fairness. */
  readonly idealTokens: number
  readonly leaseBundles: number
  readonly entitledBundles: number
  readonly inUseBundles: number
}

export interface RoundRecord {
  readonly round: number
  readonly capacityTokens: number
  /** Whether more was demanded than there is: only then does it matter who gets what. */
  readonly contended: boolean
  readonly freeBundles: number
  readonly conditions: readonly string[]
  readonly shares: readonly RoundShare[]
}
