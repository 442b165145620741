import type { ReclaimOrder } from '@kvasir/contracts'
import type { Bundles } from '@kvasir/kernel'

interface Followed {
  /** The most that was ever asked for the request, and what was released of it by stopping work. */
  asked: Bundles
  stopped: Bundles
}

/**
 * How far each reclaim order may still stop work. Its owner books what comes as it arrives, without knowing for which order work was
 * stopped, and its documents may be older than the last release: so the engine counts itself. Orders without a request are
 * recalls, of which there is one at a time.
 */
export class FollowedOrders {
  readonly #byRequest = new Map<string, Followed>()

  /** The orders to follow: the most protected first, so that they find what only they are left. Forgets those that have ended. */
  inTurn(orders: readonly ReclaimOrder[]): readonly ReclaimOrder[] {
    for (const request of this.#byRequest.keys())
      if (!orders.some((order) => order.request === request)) this.#byRequest.delete(request)
    for (const { request, bundles } of orders) {
      const known = this.#byRequest.get(request)
      if (known) known.asked = Math.max(known.asked, bundles)
      else if (request !== '') this.#byRequest.set(request, { asked: bundles, stopped: 0 })
    }
    return orders.filter(mayStop).sort((a, b) => boundOf(a) - boundOf(b))
  }

  /** Bundles for which the order may still stop work. */
  leftOf({ request, bundles }: ReclaimOrder): Bundles {
    const known = this.#byRequest.get(request)
    return known === undefined ? bundles : Math.min(bundles, known.asked - known.stopped)
  }

  note({ request }: ReclaimOrder, stopped: Bundles): void {
    const known = this.#byRequest.get(request)
    if (known !== undefined) known.stopped += stopped
  }
}

function mayStop({ victimsBelow }: ReclaimOrder): boolean {
  return victimsBelow !== undefined
}

/** Infinity: anybody may be stopped. */
function boundOf({ victimsBelow }: ReclaimOrder): number {
  return victimsBelow ?? Infinity
}
