import type { DenialReason, DonationClass } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'

/** What one engine gives up under one rule. */
export interface DonorShare {
  readonly engine: string
  readonly bundles: number
  /** Estimated time to bring the stopped work back. */
  readonly costUs: number
  readonly class: Exclude<DonationClass, 'free'>
  /** Highest priority of work the donor may stop for it; null: none has to stop. */
  readonly priorityCeiling: number | null
}

export interface DecisionNumbers {
  readonly wanted: number
  readonly least: number
  readonly total: number
  readonly free: number
  /** Leased by others without use, above their guarantees. */
  readonly unused: number
  /** In use by others and within reach of the rules, an upper bound where groups go whole; 0 where nobody had to look. */
  readonly reclaimable: number
  /** By the requester, with what is on its way. */
  readonly held: number
  readonly limit: number
  readonly entitlement: number
}

/** The nearest circumstances in which the outcome would have been another. */
export type Counterfactual =
  /** More bundles become eligible, enough for the least that is of use. */
  | {
      readonly kind: 'later'
      readonly bundles: number
      readonly inUs: Micros
      readonly engine: string
      readonly text: string
    }
  /** A request above this priority would be granted. */
  | { readonly kind: 'priority'; readonly above: number; readonly text: string }
  /** A request for this many would be granted. */
  | { readonly kind: 'smaller'; readonly bundles: number; readonly text: string }
  /** With a limit (or share) this high the search would go on. */
  | { readonly kind: 'limit'; readonly bundles: number; readonly text: string }
  /** With so many more free bundles nobody would have been asked. */
  | { readonly kind: 'free'; readonly bundles: number; readonly text: string }
  | { readonly kind: 'none'; readonly text: string }

interface Explained {
  readonly request: string
  readonly engine: string
  readonly numbers: DecisionNumbers
  readonly explanation: string
  readonly counterfactual: Counterfactual
}

export interface Grant extends Explained {
  readonly outcome: 'granted' | 'granted_partial'
  readonly reason: 'granted' | 'granted_partial'
  readonly granted: number
  /** Of these, from the free list. */
  readonly fromFree: number
  readonly costUs: number
  /** By class (unused first) and engine. What they give beyond `granted` becomes free. */
  readonly donors: readonly DonorShare[]
  /** Whether no cheaper choice exists. */
  readonly exact: boolean
}

export interface Denial extends Explained {
  readonly outcome: 'denied'
  readonly reason: DenialReason
  readonly granted: 0
  readonly fromFree: 0
  readonly costUs: 0
  readonly donors: readonly []
}

export type Decision = Grant | Denial
