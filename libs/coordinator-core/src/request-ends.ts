import type { PreemptionOutcome, PreemptionRequest } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import type { Decision } from '@kvasir/reclaim'
import { Answers } from './answers.js'
import type { BrokerParts } from './broker-parts.js'
import { mustDo } from './debits.js'
import { closedLine, outcomeLine } from './decision-line.js'
import { type Member, tell } from './member.js'
import type { OpenRequest, OpenRequests } from './open-requests.js'

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
    this.#answers.forget(now, ({ engine, outcome }) => {
      const pending = this.#parts.member(engine)?.outcomes ?? []
      return pending.every((carried) => carried.outcome.id !== outcome.id)
    })
  }

  /** Everything asked for is there, or as much of it as will come. */
  settle(now: Micros, request: OpenRequest, decision?: Decision): void {
    const { ledger, settings } = this.#parts
    const { id, reserved: bundles, minBundles } = request
    invariant(bundles >= minBundles, () => `${id} has ${bundles} bundles, ${minBundles} are of use`)
    const member = this.#parts.member(request.engine)
    if (!member) return
    mustDo(ledger.settle(id))
    member.grantedUs = now
    member.settledUntilUs = now + SETTLING_HEARTBEATS * settings.heartbeatUs
    member.settledBundles = ledger.leasedTo(member.engine)
    this.#open.remove(id)
    const kind = bundles >= request.bundles ? 'granted' : 'granted_partial'
    this.end(now, request, { kind, id, bundles }, decision)
  }

  /** Ends a request as one decision says, or without as its donors' releases do. */
  end(now: Micros, request: OpenRequest, outcome: PreemptionOutcome, decision?: Decision): void {
    this.#answer(now, request, outcome)
    this.#parts.decided(outcomeLine(now, request, outcome, decision))
  }

  /** Ends a request that gets nothing. */
  close(now: Micros, request: OpenRequest, outcome: PreemptionOutcome, explanation: string): void {
    this.refundDebits(request)
    if (request.reserved > 0) mustDo(this.#parts.ledger.refund(request.id))
    request.reserved = 0
    this.#open.remove(request.id)
    this.#answer(now, request, outcome)
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

  #answer(now: Micros, request: OpenRequest, outcome: PreemptionOutcome): void {
    this.#answers.remember({ engine: request.engine, outcome, atUs: now })
    const member = this.#parts.member(request.engine)
    if (member) tell(member, outcome)
  }
}
