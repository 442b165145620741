import type { Micros } from '@kvasir/kernel'
import {
  type Decision,
  DEFAULT_HISTORY,
  DEFAULT_RECLAIM_POLICY,
  type DonorShare,
  PreemptionHistory,
  type ReclaimRequest,
} from '@kvasir/reclaim'
import type { BrokerParts } from './broker-parts.js'
import { decideDonors, type DonorQuestion } from './donor-question.js'
import type { Member } from './member.js'
import { guaranteeBundles } from './memory-round.js'
import { MoveCap } from './move-cap.js'
import type { OpenRequest } from './open-requests.js'
import { poolView } from './pool-view.js'

/** Who gives for a request, and what past choices say about the next one. */
export class DonorChoice {
  readonly #parts: BrokerParts
  readonly #history: PreemptionHistory
  readonly #cap: MoveCap
  #supplyMissedUs: Micros = -Infinity

  constructor(parts: BrokerParts) {
    const { settings, bundles } = parts
    this.#parts = parts
    const { cooldownUs, requesterDelayUs } = settings
    this.#history = new PreemptionHistory({ ...DEFAULT_HISTORY, cooldownUs, requesterDelayUs })
    this.#cap = new MoveCap({
      bundles: Math.ceil(settings.movePerRound * bundles),
      roundUs: settings.roundUs,
    })
  }

  /** When a request last asked for more than was free or unused. */
  get supplyMissedUs(): Micros {
    return this.#supplyMissedUs
  }

  /** Decides what is still missing of a request. Changes no book. */
  decide(now: Micros, member: Member, request: OpenRequest): Decision {
    const input = this.#question(now, member, request)
    const answer = decideDonors(input)
    this.#parts.log({ kind: 'donors', atUs: now, input, answer })
    if (answer.outcome === 'denied') this.#history.lacked(member.engine, now)
    else this.#history.eased(member.engine)
    if (answer.outcome === 'denied' || answer.donors.some((share) => share.class !== 'unused'))
      this.#supplyMissedUs = now
    return answer
  }

  #question(now: Micros, member: Member, request: OpenRequest): DonorQuestion {
    const { ledger, regime, bundles } = this.#parts
    const { donors } = regime
    const asked = missingOf(request)
    const held = ledger.leasedTo(member.engine) + ledger.incomingTo(member.engine)
    // A guarantee is returned on demand; what goes beyond it leaves donors at their shares, which else would ask it back.
    const guaranteed = held + (asked.minBundles ?? asked.bundles) <= guaranteeBundles(member, bundles)
    // Curves come with heartbeats only while memory is scarce; who wants its guarantee does not wait for them.
    const unsaid = guaranteed && donors === 'least-cost' ? asked.bundles : 0
    return {
      request: asked,
      view: poolView(now, this.#parts, this.#history, member, unsaid),
      policy: {
        ...DEFAULT_RECLAIM_POLICY,
        chooser: donors === 'single-donor' ? 'kapsl-single-donor' : 'least-cost',
        entitlementFloor: guaranteed ? 'guarantee' : 'share',
      },
      movable: donors === 'least-cost' ? this.#cap.movable(now) : null,
    }
  }

  /** Notes what a donor was debited for a request. */
  record(now: Micros, requester: string, share: DonorShare): void {
    if (share.class === 'unused') return
    this.#history.record({ requester, donor: share.engine, atUs: now })
    if (share.class === 'entitlement') this.#cap.record(now, share.bundles)
  }

  /** Whom a donor may stop: nobody for what is unused, anybody under the entitlement rule, else strictly lower work. */
  victimsBelow(now: Micros, request: OpenRequest, share: DonorShare): number | null | undefined {
    if (share.class === 'unused') return undefined
    if (share.class === 'entitlement') return null
    const boost = (engine: string) => this.#history.boostOf(engine, now)
    return request.priority + boost(request.engine) - boost(share.engine)
  }
}

function missingOf(request: OpenRequest): ReclaimRequest {
  return {
    id: request.id,
    engine: request.engine,
    bundles: request.bundles - request.reserved,
    minBundles: Math.max(1, request.minBundles - request.reserved),
    priority: request.priority,
    class: request.class,
  }
}
