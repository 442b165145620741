import type { Bundles, Micros } from '@kvasir/kernel'
import {
  type Decision,
  decide,
  type EngineView,
  type PoolView,
  type ReclaimPolicy,
  type ReclaimRequest,
  unusedOf,
} from '@kvasir/reclaim'

/**
 * Shares move with every round's demand; were work stopped for each move, a pool would do nothing else. So the entitlement
 * rule takes at most so many bundles in use in one round. Priorities, guarantees and unused memory are not held back.
 */
export class MoveCap {
  readonly #bundles: Bundles
  readonly #roundUs: Micros
  #round = -1
  #moved: Bundles = 0

  /** @param options.bundles most that the rule takes in one round. */
  constructor({ bundles, roundUs }: { readonly bundles: Bundles; readonly roundUs: Micros }) {
    this.#bundles = bundles
    this.#roundUs = roundUs
  }

  record(now: Micros, bundles: Bundles): void {
    this.#moved = this.#bundles - this.movable(now).left + bundles
    this.#round = Math.floor(now / this.#roundUs)
  }

  movable(now: Micros): Movable {
    const moved = Math.floor(now / this.#roundUs) === this.#round ? this.#moved : 0
    return { perRound: this.#bundles, left: Math.max(0, this.#bundles - moved) }
  }
}

/** What shares may take from work in a round, and what is left of it. */
export interface Movable {
  readonly perRound: Bundles
  readonly left: Bundles
}

/** Decides within what is left of the round: what exceeds it is cut, or denied as `cooldown` when too little is left. */
export function decideWithin(
  { perRound, left }: Movable,
  request: ReclaimRequest,
  view: PoolView,
  policy: ReclaimPolicy,
): Decision {
  const capped = lowerShare(request, view, left)
  const decision = decide(request, capped, policy)
  if (capped === view || decision.outcome !== 'denied') return decision
  if (decide(request, view, policy).outcome === 'denied') return decision
  const explanation = `Denied: of the ${perRound} bundles that change shares may take from work in one round, ${left} are left.`
  return { ...decision, reason: 'cooldown', explanation }
}

/** The view with the requester's share lowered to what it may reach in this round; the same view where that is no less. */
function lowerShare(request: ReclaimRequest, view: PoolView, left: Bundles): PoolView {
  const requester = view.engines.find(({ id }) => id === request.engine)
  if (!requester) return view
  const held = requester.leased + (requester.incoming ?? 0)
  const entitlement = held + view.free + unusedBeside(requester, view) + left
  if (entitlement >= requester.entitlement) return view
  const engines = view.engines.map((engine) => (engine === requester ? { ...engine, entitlement } : engine))
  return { ...view, engines }
}

/** Bundles of other engines that are to be had without stopping anybody's work. */
function unusedBeside(requester: EngineView, view: PoolView): Bundles {
  return view.engines.reduce(
    (sum, engine) => sum + (engine !== requester && engine.state === 'live' ? unusedOf(engine) : 0),
    0,
  )
}
