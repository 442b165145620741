import type {
  PoolSettings,
  PreemptionDecision,
  PreemptionOutcome,
  PreemptionRequest,
  ReclaimOrder,
} from '@kvasir/contracts'
import { type Bundles, invariant, type Micros } from '@kvasir/kernel'
import {
  type Decision,
  decide,
  DEFAULT_HISTORY,
  DEFAULT_RECLAIM_POLICY,
  type DonorShare,
  type Grant,
  type Ledger,
  type LedgerAnswer,
  PreemptionHistory,
} from '@kvasir/reclaim'
import type { Member } from './member.js'
import type { MemoryRegime } from './memory-regime.js'
import { type Debit, type OpenRequest, OpenRequests } from './open-requests.js'
import { poolView } from './pool-view.js'

export interface BrokerParts {
  readonly ledger: Ledger
  readonly settings: PoolSettings
  readonly regime: MemoryRegime
  /** Of the pool. */
  readonly bundles: Bundles
  member(engine: string): Member | undefined
  /** Sorted by engine id. */
  members(): readonly Member[]
  decided(decision: PreemptionDecision): void
}

/** Stands for the pool itself where bundles are taken back for nobody in particular: they are free once released. */
const FOR_THE_POOL = '(pool)'

/** Heartbeats after which the use of a grant shows in what its engine reports. */
const SETTLING_HEARTBEATS = 2

interface Recall {
  readonly id: string
  readonly debits: Debit[]
  reserved: number
  readonly untilUs: Micros
}

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
  readonly #history: PreemptionHistory
  readonly #open = new OpenRequests()
  /** Recalls for the pool, by donor: at most one each. */
  readonly #recalls = new Map<string, Recall>()
  #supplyMissedUs: Micros = -Infinity

  constructor(parts: BrokerParts) {
    this.#parts = parts
    this.#history = new PreemptionHistory({ ...DEFAULT_HISTORY, cooldownUs: parts.settings.cooldownUs })
  }

  /** When a request last asked for more than was free or unused. */
  get supplyMissedUs(): Micros {
    return this.#supplyMissedUs
  }

  nextDeadline(): Micros {
    let earliest = this.#open.nextDeadline()
    for (const { untilUs } of this.#recalls.values()) earliest = Math.min(earliest, untilUs)
    return earliest
  }

  /** What `engine` still has to release, in the order in which it was asked. */
  ordersFor(engine: string): readonly ReclaimOrder[] {
    const orders: ReclaimOrder[] = []
    const recall = this.#recalls.get(engine)
    for (const debit of recall?.debits ?? []) if (debit.bundles > 0) orders.push(orderOf('', debit))
    for (const request of this.#open.all)
      for (const debit of request.debits)
        if (debit.donor === engine && debit.bundles > 0) orders.push(orderOf(request.id, debit))
    return orders
  }

  request(now: Micros, member: Member, message: PreemptionRequest): void {
    const { settings } = this.#parts
    this.#decide(now, member, {
      id: message.id,
      engine: member.engine,
      incarnation: member.incarnation,
      bundles: message.bundles,
      minBundles: Math.min(message.minBundles, message.bundles),
      priority: message.priority,
      class: message.class,
      deadlineUs: now + message.withinUs,
      graceUs: now + Math.min(settings.graceUs, message.withinUs),
      reserved: 0,
      debits: [],
      costUs: 0,
      replanned: false,
    })
  }

  cancel(now: Micros, member: Member, id: string): void {
    const open = this.#open.find(id)
    if (!open || open.engine !== member.engine) return
    this.#close(
      now,
      open,
      { kind: 'expired', id, reason: 'cancelled' },
      `${member.engine} withdrew the request`,
    )
  }

  /** `donor` says it may still touch `held` bundles: what is missing from what it had is free for whom it was asked for. */
  released(now: Micros, donor: Member, held: Bundles): void {
    const { ledger } = this.#parts
    const leased = ledger.leasedTo(donor.engine)
    this.#arrive(now, donor.engine, leased + ledger.owedBy(donor.engine) - Math.max(held, leased))
  }

  #arrive(now: Micros, donor: string, freed: Bundles): void {
    let left = freed
    const recall = this.#recalls.get(donor)
    if (recall) left -= this.#credit(recall, donor, left)
    if (recall?.debits.every((debit) => debit.bundles === 0)) this.#endRecall(donor)
    for (const request of [...this.#open.all]) {
      left -= this.#credit(request, donor, left)
      if (request.debits.every((debit) => debit.bundles === 0)) this.#settle(now, request)
    }
    if (left < freed) this.#touch(donor)
  }

  /** Books up to `freed` bundles of `donor` to what it owes there; says how many. */
  #credit(request: Pick<OpenRequest, 'id' | 'debits' | 'reserved'>, donor: string, freed: Bundles): Bundles {
    let credited = 0
    for (const debit of request.debits) {
      const arrived = debit.donor === donor ? Math.min(freed - credited, debit.bundles) : 0
      if (arrived <= 0) continue
      debit.bundles -= arrived
      credited += arrived
      request.reserved += arrived
      mustDo(this.#parts.ledger.arrive({ donor, request: request.id, bundles: arrived }))
    }
    return credited
  }

  /** Takes what is free in an engine's lease, with nobody's work stopped for it. */
  takeUnused(now: Micros, member: Member, bundles: Bundles): void {
    this.#recall(now, member, bundles, undefined)
  }

  /** Takes part of a lease whatever it is used for: the shares themselves have changed. */
  takeBack(now: Micros, member: Member, bundles: Bundles): void {
    this.#recall(now, member, bundles, null)
  }

  /** An engine goes. Its own requests end; what it owed has arrived if it released it, and is lost to them if it may still use it. */
  depart(now: Micros, member: Member, how: 'released' | 'vanished'): void {
    const { ledger } = this.#parts
    for (const open of this.#open.of(member.engine))
      this.#close(now, open, { kind: 'expired', id: open.id, reason: 'cancelled' }, `${member.engine} left`)
    if (how === 'released') this.#arrive(now, member.engine, ledger.owedBy(member.engine))
    for (const { debits } of [...this.#open.all, ...this.#recalls.values()])
      for (const debit of debits) if (debit.donor === member.engine) debit.bundles = 0
    if (this.#recalls.has(member.engine)) this.#endRecall(member.engine)
  }

  /** Looks at every request whose donors' grace, or whose own time, is over. */
  expire(now: Micros): void {
    // What was recalled and is in use after all stays with its donor.
    for (const [engine, recall] of [...this.#recalls]) if (now >= recall.untilUs) this.#endRecall(engine)
    for (const request of [...this.#open.all]) {
      if (now >= request.deadlineUs) this.#giveUp(now, request)
      else if (now >= request.graceUs) this.#replan(now, request)
    }
  }

  #decide(now: Micros, member: Member, request: OpenRequest): void {
    const { regime } = this.#parts
    const asked = {
      id: request.id,
      engine: request.engine,
      bundles: request.bundles - request.reserved,
      minBundles: Math.max(1, request.minBundles - request.reserved),
      priority: request.priority,
      class: request.class,
    }
    const chooser = regime.donors === 'single-donor' ? 'kapsl-single-donor' : 'least-cost'
    const view = poolView(now, this.#parts, this.#history, member)
    const decision = decide(asked, view, { ...DEFAULT_RECLAIM_POLICY, chooser, entitlementFloor: 'share' })
    if (decision.outcome === 'denied' || decision.donors.some((share) => share.class !== 'unused')) this.#supplyMissedUs = now
    if (decision.outcome === 'denied') {
      if (request.replanned) return this.#giveUp(now, request)
      return this.#end(
        now,
        member,
        request,
        { kind: 'denied', id: request.id, reason: decision.reason },
        decision,
      )
    }
    this.#debit(now, request, decision)
    request.costUs += decision.costUs
    if (!request.replanned) this.#open.add(request)
    const coming = request.debits.reduce((sum, debit) => sum + debit.bundles, request.reserved)
    if (coming < request.minBundles) return this.#giveUp(now, request)
    if (request.debits.length === 0) return this.#settle(now, request, decision)
    this.#record(now, request, 'planned', null, decision)
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
      request.debits.push({
        donor: share.engine,
        bundles,
        victimsBelow: this.#victimsBelow(now, request, share),
      })
      if (share.class !== 'unused')
        this.#history.record({ requester: engine, donor: share.engine, atUs: now })
      this.#touch(share.engine)
    }
  }

  /** Whom a donor may stop: nobody for what is unused, anybody under the entitlement rule, else strictly lower work. */
  #victimsBelow(now: Micros, request: OpenRequest, share: DonorShare): number | null | undefined {
    if (share.class === 'unused') return undefined
    if (share.class === 'entitlement') return null
    return (
      request.priority + this.#history.boostOf(request.engine, now) - this.#history.boostOf(share.engine, now)
    )
  }

  /** Everything asked for is there. */
  #settle(now: Micros, request: OpenRequest, decision?: Decision): void {
    const bundles = request.reserved
    const kind = bundles >= request.bundles ? 'granted' : 'granted_partial'
    const member = this.#parts.member(request.engine)
    if (!member) return
    mustDo(this.#parts.ledger.settle(request.id))
    member.grantedUs = now
    member.settledUntilUs = now + SETTLING_HEARTBEATS * this.#parts.settings.heartbeatUs
    member.settledBundles = this.#parts.ledger.leasedTo(member.engine)
    this.#open.remove(request.id)
    this.#end(now, member, request, { kind, id: request.id, bundles }, decision)
  }

  /** Donors did not release in time: what is still owed goes back to them, and others are asked, once. */
  #replan(now: Micros, request: OpenRequest): void {
    this.#refundDebits(request)
    request.graceUs = Infinity
    if (request.reserved >= request.minBundles || request.replanned) return this.#giveUp(now, request)
    request.replanned = true
    request.graceUs = request.deadlineUs
    const member = this.#parts.member(request.engine)
    if (member) this.#decide(now, member, request)
  }

  /** The end of the time: what came is granted if it is of use, else all goes back. */
  #giveUp(now: Micros, request: OpenRequest): void {
    this.#refundDebits(request)
    if (request.reserved >= request.minBundles) return this.#settle(now, request)
    this.#close(
      now,
      request,
      { kind: 'denied', id: request.id, reason: 'deadline' },
      'donors did not release in time',
    )
  }

  /** Ends a request that gets nothing. */
  #close(now: Micros, request: OpenRequest, outcome: PreemptionOutcome, explanation: string): void {
    this.#refundDebits(request)
    if (request.reserved > 0) mustDo(this.#parts.ledger.refund(request.id))
    request.reserved = 0
    this.#open.remove(request.id)
    const member = this.#parts.member(request.engine)
    if (member) member.outcomes.push({ outcome, sequence: 0 })
    if (member) member.dirty = true
    const reason = outcome.kind === 'denied' || outcome.kind === 'expired' ? outcome.reason : null
    this.#parts.decided(
      this.#line(now, request, {
        outcome: outcome.kind,
        reason,
        granted: 0,
        donations: [],
        explanation,
        counterfactual: null,
      }),
    )
  }

  /** What donors have not released stays theirs. */
  #refundDebits(request: OpenRequest): void {
    const owed = request.debits.filter((debit) => debit.bundles > 0)
    request.debits = []
    if (owed.length === 0) return
    mustDo(this.#parts.ledger.returnDebits(request.id))
    for (const debit of owed) this.#touch(debit.donor)
  }

  #end(
    now: Micros,
    member: Member,
    request: OpenRequest,
    outcome: PreemptionOutcome,
    decision: Decision | undefined,
  ): void {
    member.outcomes.push({ outcome, sequence: 0 })
    member.dirty = true
    const reason = outcome.kind === 'denied' || outcome.kind === 'expired' ? outcome.reason : null
    this.#record(
      now,
      request,
      outcome.kind,
      reason,
      decision,
      outcome.kind === 'denied' ? 0 : request.reserved,
    )
  }

  #record(
    now: Micros,
    request: OpenRequest,
    outcome: PreemptionDecision['outcome'],
    reason: PreemptionDecision['reason'],
    decision: Decision | undefined,
    granted = 0,
  ): void {
    this.#parts.decided(
      this.#line(now, request, {
        outcome,
        reason,
        granted,
        donations: (decision?.donors ?? []).map((share) => ({
          engine: share.engine,
          bundles: share.bundles,
          costUs: share.costUs,
          class: share.class,
        })),
        explanation: decision?.explanation ?? `${granted} bundles released for ${request.engine}`,
        counterfactual: decision?.counterfactual.text ?? null,
      }),
    )
  }

  #line(
    now: Micros,
    request: OpenRequest,
    rest: Pick<
      PreemptionDecision,
      'outcome' | 'reason' | 'granted' | 'donations' | 'explanation' | 'counterfactual'
    >,
  ): PreemptionDecision {
    const { id, engine, priority, bundles, minBundles, costUs } = request
    return { atUs: now, id, engine, priority, bundles, minBundles, costUs, ...rest }
  }

  #recall(now: Micros, member: Member, bundles: Bundles, victimsBelow: number | null | undefined): void {
    const { ledger, settings } = this.#parts
    const { engine } = member
    const count = Math.min(bundles, ledger.leasedTo(engine))
    if (count === 0 || this.#recalls.has(engine)) return
    const id = `${FOR_THE_POOL}/${engine}`
    mustDo(ledger.debit({ donor: engine, to: FOR_THE_POOL, request: id, bundles: count }))
    const debits = [{ donor: engine, bundles: count, victimsBelow }]
    this.#recalls.set(engine, { id, debits, reserved: 0, untilUs: now + settings.graceUs })
    member.dirty = true
  }

  /** What arrived is free, what did not stays with the donor. */
  #endRecall(engine: string): void {
    const recall = this.#recalls.get(engine)
    this.#recalls.delete(engine)
    if (recall && this.#parts.ledger.requestOf(recall.id) !== null)
      mustDo(this.#parts.ledger.refund(recall.id))
    this.#touch(engine)
  }

  #touch(engine: string): void {
    const member = this.#parts.member(engine)
    if (member) member.dirty = true
  }
}

function orderOf(request: string, debit: Debit): ReclaimOrder {
  const { bundles, victimsBelow } = debit
  return victimsBelow === undefined ? { request, bundles } : { request, bundles, victimsBelow }
}

/** For operations whose condition was just checked: a refusal would be a broken book. */
function mustDo(answer: LedgerAnswer): void {
  invariant(answer.kind === 'done', () => `the ledger refused: ${JSON.stringify(answer)}`)
}
