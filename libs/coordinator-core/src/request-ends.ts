import type { DenialReason, PreemptionRequest, RequestEndCause } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import type { Decision, Denial } from '@kvasir/reclaim'
import { Answers } from './answers.js'
import type { BrokerParts } from './broker-parts.js'
import { mustDo } from './debits.js'
import { closedLine, outcomeLine } from './decision-line.js'
import { inUseBundles, type Member, tell } from './member.js'
import type { OpenRequest, OpenRequests } from './open-requests.js'
import { endOf, type RequestEnd } from './request-end.js'

/** Heartbeats after which the use of a grant shows in what its engine reports. */
const SETTLING_HEARTBEATS = 2

/** How requests end: once, with the ledger clear of them, an answer to their engine and a line in the log. */
export class RequestEnds {
  readonly #parts: BrokerParts
  readonly #open: OpenRequests
  readonly #answers = new Answers()

  constructor(parts: BrokerParts, open: OpenRequests) {
    this.#parts = parts
    this.#open = open
  }

  /**
   * Whether the id of a request is new. An id belongs to the engine that used it first: while it is open a repetition is
   * ignored, afterwards it is answered alike.
   */
  isNew(member: Member, { id }: PreemptionRequest): boolean {
    if (this.#parts.ledger.requestOf(id) !== null || this.#open.find(id)) return false
    const answer = this.#answers.find(id)
    if (answer && answer.engine === member.engine) tell(member, answer.outcome)
    return !answer
  }

  /** Forgets the answers that are old and were read. */
  forget(now: Micros): void {
    if (this.#answers.size === 0) return
    this.#answers.forget(now, ({ engine, outcome }) => {
      const pending = this.#parts.member(engine)?.outcomes ?? []
      return pending.every((carried) => carried.outcome.id !== outcome.id)
    })
  }

  /** Everything promised is there, or as much of it as will come. */
  settle(now: Micros, request: OpenRequest, cause: 'arrived' | 'time_up', decision?: Decision): void {
    const { ledger, settings } = this.#parts
    const { id, reserved: bundles, minBundles } = request
    invariant(bundles >= minBundles, () => `${id} has ${bundles} bundles, ${minBundles} are of use`)
    const member = this.#parts.member(request.engine)
    if (!member) return
    mustDo(ledger.settle(id))
    member.grantedUs = now
    member.settledBundles = Math.min(ledger.leasedTo(member.engine), inUseBundles(member, now) + bundles)
    member.settledUntilUs = now + SETTLING_HEARTBEATS * settings.heartbeatUs
    this.#open.remove(id)
    const { outcome } = this.#end(now, request, cause)
    this.#parts.decided(outcomeLine(now, request, outcome, decision))
  }

  /** Ends a request at once: nobody may give. */
  refuse(now: Micros, request: OpenRequest, decision: Denial): void {
    const { outcome } = this.#end(now, request, 'refused', decision.reason)
    this.#parts.decided(outcomeLine(now, request, outcome, decision))
  }

  /** Ends a request that gets nothing, though it may have been planned. */
  close(now: Micros, request: OpenRequest, cause: Exclude<RequestEndCause, 'arrived' | 'refused'>): void {
    this.refundDebits(request)
    if (request.reserved > 0) mustDo(this.#parts.ledger.refund(request.id))
    this.#open.remove(request.id)
    const { outcome, explanation } = this.#end(now, request, cause)
    invariant(
      outcome.kind === 'denied' || outcome.kind === 'expired',
      () => `${request.id} is closed with bundles of use`,
    )
    request.reserved = 0
    this.#parts.decided(closedLine(now, request, outcome, explanation))
  }

  /** What donors have not released stays theirs. */
  refundDebits(request: OpenRequest): void {
    const owed = request.debits.filter((debit) => debit.bundles > 0)
    request.debits = []
    if (owed.length === 0) return
    mustDo(this.#parts.ledger.returnDebits(request.id))
    for (const { donor } of owed) {
      const member = this.#parts.member(donor)
      if (member) member.dirty = true
    }
  }

  /** Decides how it ends, answers its engine and puts the end on record. */
  #end(
    now: Micros,
    request: OpenRequest,
    cause: RequestEndCause,
    denial: DenialReason | null = null,
  ): RequestEnd {
    const { id, engine, bundles: wanted, minBundles: least, reserved } = request
    const input = { id, engine, cause, denial, wanted, least, reserved }
    const answer = endOf(input)
    this.#parts.log({ kind: 'end', atUs: now, input, answer })
    this.#answers.remember({ engine, outcome: answer.outcome, atUs: now })
    const member = this.#parts.member(engine)
    if (member) tell(member, answer.outcome)
    return answer
  }
}
