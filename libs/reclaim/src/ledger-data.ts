export interface LedgerTotals {
  readonly free: number
  readonly leased: number
  readonly reclaiming: number
  readonly reserved: number
  readonly quarantined: number
}

export interface EngineBundles {
  readonly engine: string
  readonly bundles: number
}

export interface RequestHoldings {
  readonly to: string
  readonly reserved: number
  readonly debits: readonly EngineBundles[]
}

export interface LedgerSnapshot {
  readonly total: number
  readonly leased: readonly EngineBundles[]
  readonly quarantined: readonly EngineBundles[]
  readonly requests: readonly (RequestHoldings & { readonly request: string })[]
}

export type LedgerRefusal =
  | 'not_enough_free'
  | 'not_enough_leased'
  | 'not_enough_owed'
  | 'not_enough_quarantined'
  | 'unknown_request'
  /** A request id is used by one engine only. */
  | 'other_requester'

export type LedgerAnswer =
  | { readonly kind: 'done'; readonly bundles: number }
  | { readonly kind: 'refused'; readonly reason: LedgerRefusal; readonly available: number }
