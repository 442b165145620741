import type { Decision, PoolView, ReclaimPolicy, ReclaimRequest } from '@kvasir/reclaim'
import { decide } from '@kvasir/reclaim'
import { decideWithin, type Movable } from './move-cap.js'

/** Everything from which donors are chosen, past evictions included (as standings in the view). Plain data. */
export interface DonorQuestion {
  readonly request: ReclaimRequest
  readonly view: PoolView
  readonly policy: ReclaimPolicy
  /** What shares may still take from work in this round; null: nothing holds them back. */
  readonly movable: Movable | null
}

/** Chooses donors. Pure: the same question has the same answer, now and from the log. */
export function decideDonors({ request, view, policy, movable }: DonorQuestion): Decision {
  return movable === null ? decide(request, view, policy) : decideWithin(movable, request, view, policy)
}
