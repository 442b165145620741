import type { PreemptionRequest, ReclaimOrder } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Grant } from '@kvasir/reclaim'
import type { BrokerParts } from './broker-parts.js'
import { credit, isPaid, mustDo, ordersIn } from './debits.js'
import { plannedLine } from './decision-line.js'
import { DonorChoice } from './donor-choice.js'
import type { Member } from './member.js'
import { type OpenRequest, openRequest, OpenRequests } from './open-requests.js'
import { type RecallOrder, Recalls } from './recalls.js'
import { RequestEnds } from './request-ends.js'

/**
 * The brokering half of a pool's owner: takes requests for memory, chooses who gives, keeps what was freed for whom it was
 * freed, and ends every request exactly once.
 *
 * ```
 *  request ─► free or unused enough ─────────────────────────────► granted
 *          ├► nobody may give ────────────────────────────────────► denied(reason)
 *          └► donors debited ─► all released ─────────────────────► granted
 *                             └► grace over ─► replan once ─► deadline ─► granted_partial | denied(deadline)
 * ```
 */
export class Broker {
  readonly #parts: BrokerParts
  readonly #choice: DonorChoice
  readonly #open = new OpenRequests()
  readonly #recalls: Recalls
  readonly #ends: RequestEnds

  constructor(parts: BrokerParts) {
    this.#parts = parts
    this.#choice = new DonorChoice(parts)
    this.#recalls = new Recalls(parts.ledger)
    this.#ends = new RequestEnds(parts, this.#open)
  }

  /** When a request last asked for more than was free or unused. */
  get supplyMissedUs(): Micros {
    return this.#choice.supplyMissedUs
  }

  /** Requests without an end, as their engines sent them. */
  get openMessages(): readonly PreemptionRequest[] {
    return this.#open.all.map(({ message }) => message)
  }

  nextDeadline(): Micros {
    return Math.min(this.#open.nextDeadline(), this.#recalls.nextDeadline())
  }

  /** What `engine` still has to release, in the order in which it was asked. */
  ordersFor(engine: string): readonly ReclaimOrder[] {
    const recalled = this.#recalls.ordersFor(engine)
    if (this.#open.all.length === 0) return recalled
    const requested = this.#open.all.flatMap((request) => ordersIn(request.debits, engine, request.id))
    return [...recalled, ...requested]
  }

  // 1. What engines say.

  request(now: Micros, member: Member, message: PreemptionRequest): void {
    if (!this.#ends.isNew(member, message)) return
    this.#decide(now, member, openRequest(now, message, this.#parts.settings.graceUs))
  }

  cancel(now: Micros, member: Member, id: string): void {
    const open = this.#open.find(id)
    if (!open || open.engine !== member.engine) return
    this.#ends.close(now, open, 'cancelled')
  }

  /** `donor` says it may still touch `held` bundles: what is missing from what it had is free for whom it was asked for. */
  released(now: Micros, donor: Member, held: Bundles): void {
    const { ledger } = this.#parts
    const leased = ledger.leasedTo(donor.engine)
    this.#arrive(now, donor.engine, leased + ledger.owedBy(donor.engine) - Math.max(held, leased))
    if (hasNothingFree(donor)) this.#giveUpUnused(now, donor)
  }

  /** What was taken for unused is in use after all: nobody waits for it any longer. */
  #giveUpUnused(now: Micros, donor: Member): void {
    if (this.#recalls.ordersFor(donor.engine).some(({ victimsBelow }) => victimsBelow === undefined))
      this.endRecall(donor)
    for (const request of this.#open.all) {
      const owing = request.debits.filter(({ bundles }) => bundles > 0)
      const mayCome = owing.some(({ donor: name, victimsBelow }) => {
        const member = this.#parts.member(name)
        return victimsBelow !== undefined || !member || !hasNothingFree(member)
      })
      if (owing.length > 0 && !mayCome) request.graceUs = now
    }
  }

  /** An engine goes. Its own requests end; what it owed has arrived if it released it, and is lost to them if it may still use it. */
  depart(now: Micros, member: Member, how: 'released' | 'vanished'): void {
    const { engine } = member
    for (const open of this.#open.of(engine)) this.#ends.close(now, open, 'engine_left')
    if (how === 'released') this.#arrive(now, engine, this.#parts.ledger.owedBy(engine))
    else for (const request of this.#open.all) loseDonor(now, request, engine)
    this.#recalls.end(engine)
  }

  // 2. What the owner wants back for the pool.

  /** Takes what is free in an engine's lease, with nobody's work stopped for it. */
  takeUnused(now: Micros, member: Member, bundles: Bundles): void {
    this.#recall(member, { bundles, victimsBelow: undefined, untilUs: now + this.#parts.settings.graceUs })
  }

  /** Takes part of a lease whatever it is used for: the shares themselves have changed. */
  takeBack(now: Micros, member: Member, bundles: Bundles): void {
    this.#recall(member, { bundles, victimsBelow: null, untilUs: now + this.#parts.settings.graceUs })
  }

  /** Asks an engine that cannot be heard to release whatever it does not need when nobody can be asked, until it is heard again. */
  takeFromSilent(member: Member, bundles: Bundles): void {
    this.#recalls.end(member.engine)
    this.#recall(member, { bundles, victimsBelow: null, untilUs: Infinity })
  }

  /** The engine is heard again: what it has not released stays its own. */
  endRecall(member: Member): void {
    this.#recalls.end(member.engine)
    member.dirty = true
  }

  #recall(member: Member, order: RecallOrder): void {
    if (this.#parts.settings.observeOnly) return
    if (this.#recalls.start(member.engine, order)) member.dirty = true
  }

  // 3. What time does.

  /** Looks at every request whose donors' grace, or whose own time, is over. */
  expire(now: Micros): void {
    for (const donor of this.#recalls.overdue(now)) {
      this.#recalls.end(donor)
      this.#touch(donor)
    }
    for (const request of this.#open.all) {
      if (now >= request.deadlineUs) this.#giveUp(now, request)
      else if (now >= request.graceUs) this.#replan(now, request)
    }
    this.#ends.forget(now)
  }

  /** Donors did not release in time: what is still owed goes back to them, and others are asked, once. */
  #replan(now: Micros, request: OpenRequest): void {
    this.#ends.refundDebits(request)
    request.graceUs = request.deadlineUs
    const member = this.#parts.member(request.engine)
    if (!member || request.replanned || request.reserved >= request.minBundles)
      return this.#giveUp(now, request)
    request.replanned = true
    this.#decide(now, member, request)
  }

  /** The end of the time: what came is granted if it is of use, else all goes back. */
  #giveUp(now: Micros, request: OpenRequest): void {
    this.#ends.refundDebits(request)
    if (request.reserved >= request.minBundles) this.#ends.settle(now, request, 'time_up')
    else this.#ends.close(now, request, 'time_up')
  }

  // 4. From a decision to the end.

  #decide(now: Micros, member: Member, request: OpenRequest): void {
    const decision = this.#choice.decide(now, member, request)
    if (decision.outcome === 'denied') {
      return request.replanned ? this.#giveUp(now, request) : this.#ends.refuse(now, request, decision)
    }
    if (this.#parts.settings.observeOnly) return this.#observe(now, request, decision)
    this.#debit(now, request, decision)
    request.costUs += decision.costUs
    if (!request.replanned) this.#open.add(request)
    if (comingTo(request) < request.minBundles) return this.#giveUp(now, request)
    if (request.debits.length === 0) return this.#ends.settle(now, request, 'arrived', decision)
    this.#parts.decided(plannedLine(now, request, decision))
  }

  /** What would have been done is on record, and nothing moves. */
  #observe(now: Micros, request: OpenRequest, decision: Grant): void {
    request.costUs = decision.costUs
    this.#parts.decided(plannedLine(now, request, decision))
    this.#ends.close(now, request, 'observed')
  }

  /** Books a plan: what is free is reserved, donors owe the rest from now on. */
  #debit(now: Micros, request: OpenRequest, decision: Grant): void {
    const { ledger } = this.#parts
    const { engine, id } = request
    if (decision.fromFree > 0) mustDo(ledger.reserve(engine, id, decision.fromFree))
    request.reserved += decision.fromFree
    // Points of a curve are coarse: a donor is asked for no more than is needed.
    let needed = decision.granted - decision.fromFree
    for (const share of decision.donors) {
      // The earlier system's rule, kept for comparison, may name a donor for more than it holds.
      const bundles = Math.min(share.bundles, needed, ledger.leasedTo(share.engine))
      if (bundles === 0) continue
      needed -= bundles
      mustDo(ledger.debit({ donor: share.engine, to: engine, request: id, bundles }))
      const victimsBelow = this.#choice.victimsBelow(now, request, share)
      request.debits.push({ donor: share.engine, bundles, victimsBelow })
      this.#choice.record(now, engine, { ...share, bundles })
      this.#touch(share.engine)
    }
  }

  #arrive(now: Micros, donor: string, freed: Bundles): void {
    const { ledger } = this.#parts
    let left = freed - this.#recalls.credit(donor, freed)
    for (const request of this.#open.all) {
      left -= credit(ledger, request, donor, left)
      if (isPaid(request)) this.#ends.settle(now, request, 'arrived')
    }
    if (left < freed) this.#touch(donor)
  }

  #touch(engine: string): void {
    const member = this.#parts.member(engine)
    if (member) member.dirty = true
  }
}

/** Whether an engine that knows what it owes has nothing to give without stopping work. */
function hasNothingFree({ heartbeat, revokedAt }: Member): boolean {
  return heartbeat !== undefined && heartbeat.sequence >= revokedAt && heartbeat.inUse >= heartbeat.held
}

/** Bundles a request has, or will have once its donors have released. */
function comingTo({ debits, reserved }: OpenRequest): Bundles {
  return debits.reduce((sum, debit) => sum + debit.bundles, reserved)
}

/** What a donor that vanished owed will not come. When that leaves too little, or nothing, to wait for, waiting is over. */
function loseDonor(now: Micros, request: OpenRequest, donor: string): void {
  const before = comingTo(request)
  for (const debit of request.debits) if (debit.donor === donor) debit.bundles = 0
  const coming = comingTo(request)
  if (coming < before && (coming < request.minBundles || isPaid(request))) request.graceUs = now
}
