import { compareIds, invariant } from '@kvasir/kernel'
import { add, isCount, sorted, subtract, sumOf } from './counts.js'
import type {
  LedgerAnswer,
  LedgerRefusal,
  LedgerSnapshot,
  LedgerTotals,
  RequestHoldings,
} from './ledger-data.js'

/**
 * Who may hold how many of a pool's bundles. Which physical bundle is whose is the device's business; the ledger divides the
 * number. Every bundle is in exactly one state, and the states add up to the total after every operation:
 *
 *              grant                        debit                          arrive                settle
 *     free ───────────► leased(engine) ─────────────► reclaiming(from, to) ───────► reserved(to) ───────► leased(to)
 *       ▲ ◄───────────────┘ release  ▲ ◄──────────────┘ refund                        │ ▲
 *       │                            │ reinstate                               refund │ │ reserve
 *       └───────── quarantined(engine) ◄── quarantine, drop              free ◄───────┘ └─ free
 *          expire
 *
 * `reclaiming` and `reserved` belong to one preemption request, so nobody else can take what was freed for it. Every
 * operation asks first and then acts: a refusal changes nothing.
 */
export class Ledger {
  readonly total: number
  #free: number
  #leasedSum = 0
  #reclaimingSum = 0
  #reservedSum = 0
  #quarantinedSum = 0
  readonly #leased = new Map<string, number>()
  readonly #quarantined = new Map<string, number>()
  readonly #requests = new Map<string, OpenRequest>()

  /** A pool of `total` bundles, all free. */
  constructor(total: number) {
    invariant(isCount(total), () => `a pool of ${total} bundles`)
    this.total = total
    this.#free = total
  }

  get free(): number {
    return this.#free
  }

  get totals(): LedgerTotals {
    return {
      free: this.#free,
      leased: this.#leasedSum,
      reclaiming: this.#reclaimingSum,
      reserved: this.#reservedSum,
      quarantined: this.#quarantinedSum,
    }
  }

  /** Bundles the engine holds by right: without those it has been told to release. */
  leasedTo(engine: string): number {
    return this.#leased.get(engine) ?? 0
  }

  quarantinedOf(engine: string): number {
    return this.#quarantined.get(engine) ?? 0
  }

  /** Bundles on their way to the engine for open requests: reclaiming and reserved. */
  incomingTo(engine: string): number {
    let sum = 0
    for (const { to, reserved, debits } of this.#requests.values())
      if (to === engine) sum += reserved + sumOf(debits)
    return sum
  }

  /** Bundles the engine has been told to release and has not released yet. */
  owedBy(engine: string): number {
    let sum = 0
    for (const { debits } of this.#requests.values()) sum += debits.get(engine) ?? 0
    return sum
  }

  /** State of one request, donors by id; null when it has nothing in the ledger. */
  requestOf(request: string): RequestHoldings | null {
    const open = this.#requests.get(request)
    if (open === undefined) return null
    return { to: open.to, reserved: open.reserved, debits: sorted(open.debits) }
  }

  /** free -> leased. */
  grant(engine: string, bundles: number): LedgerAnswer {
    if (this.#free < bundles) return refused('not_enough_free', this.#free)
    this.#takeFree(bundles)
    this.#lease(engine, bundles)
    return this.#done(bundles)
  }

  /** leased -> free. */
  release(engine: string, bundles: number): LedgerAnswer {
    const held = this.leasedTo(engine)
    if (held < bundles) return refused('not_enough_leased', held)
    this.#unlease(engine, bundles)
    this.#free += bundles
    return this.#done(bundles)
  }

  /** free -> reserved: what a request that also has to wait for donors can have at once. */
  reserve(to: string, request: string, bundles: number): LedgerAnswer {
    if (this.#requesterDiffers(request, to)) return refused('other_requester', 0)
    if (this.#free < bundles) return refused('not_enough_free', this.#free)
    this.#takeFree(bundles)
    const open = this.#open(request, to)
    open.reserved += bundles
    this.#reservedSum += bundles
    this.#close(request, open)
    return this.#done(bundles)
  }

  /** leased(donor) -> reclaiming: at decision time, so that the same bundles are not promised twice. */
  debit(order: { donor: string; to: string; request: string; bundles: number }): LedgerAnswer {
    const { donor, to, request, bundles } = order
    invariant(donor !== to, () => `${donor} cannot be its own donor for ${request}`)
    if (this.#requesterDiffers(request, to)) return refused('other_requester', 0)
    const held = this.leasedTo(donor)
    if (held < bundles) return refused('not_enough_leased', held)
    this.#unlease(donor, bundles)
    const open = this.#open(request, to)
    add(open.debits, donor, bundles)
    this.#reclaimingSum += bundles
    this.#close(request, open)
    return this.#done(bundles)
  }

  /** reclaiming -> reserved: the donor has freed them. */
  arrive(release: { donor: string; request: string; bundles: number }): LedgerAnswer {
    const { donor, request, bundles } = release
    const open = this.#requests.get(request)
    if (open === undefined) return refused('unknown_request', 0)
    const owed = open.debits.get(donor) ?? 0
    if (owed < bundles) return refused('not_enough_owed', owed)
    subtract(open.debits, donor, bundles)
    this.#reclaimingSum -= bundles
    open.reserved += bundles
    this.#reservedSum += bundles
    return this.#done(bundles)
  }

  /** reserved -> leased(requester): everything the request has by now. What donors still owe stays until refunded or settled again. */
  settle(request: string): LedgerAnswer {
    const open = this.#requests.get(request)
    if (open === undefined) return refused('unknown_request', 0)
    const bundles = open.reserved
    open.reserved = 0
    this.#reservedSum -= bundles
    this.#lease(open.to, bundles)
    this.#close(request, open)
    return this.#done(bundles)
  }

  /** Ends a request: debits go back to their donors, reservations become free. */
  refund(request: string): LedgerAnswer {
    const open = this.#requests.get(request)
    if (open === undefined) return refused('unknown_request', 0)
    let bundles = open.reserved
    this.#free += open.reserved
    this.#reservedSum -= open.reserved
    for (const [donor, owed] of open.debits) {
      this.#lease(donor, owed)
      this.#reclaimingSum -= owed
      bundles += owed
    }
    this.#requests.delete(request)
    return this.#done(bundles)
  }

  /** reclaiming -> leased(donor): donors keep what they have not released; what has arrived stays reserved. */
  returnDebits(request: string): LedgerAnswer {
    const open = this.#requests.get(request)
    if (open === undefined) return refused('unknown_request', 0)
    let bundles = 0
    for (const [donor, owed] of open.debits) {
      this.#lease(donor, owed)
      this.#reclaimingSum -= owed
      bundles += owed
    }
    open.debits.clear()
    this.#close(request, open)
    return this.#done(bundles)
  }

  /** leased -> quarantined: the engine may or may not still use them, and nobody can be asked. */
  quarantine(engine: string, bundles: number): LedgerAnswer {
    const held = this.leasedTo(engine)
    if (held < bundles) return refused('not_enough_leased', held)
    this.#unlease(engine, bundles)
    this.#isolate(engine, bundles)
    return this.#done(bundles)
  }

  /** quarantined -> free: every lease that could cover them has run out, or the device says unmapped. */
  expire(engine: string, bundles: number): LedgerAnswer {
    const held = this.quarantinedOf(engine)
    if (held < bundles) return refused('not_enough_quarantined', held)
    subtract(this.#quarantined, engine, bundles)
    this.#quarantinedSum -= bundles
    this.#free += bundles
    return this.#done(bundles)
  }

  /** quarantined -> leased: the engine has shown that they are its own. */
  reinstate(engine: string, bundles: number): LedgerAnswer {
    const held = this.quarantinedOf(engine)
    if (held < bundles) return refused('not_enough_quarantined', held)
    subtract(this.#quarantined, engine, bundles)
    this.#quarantinedSum -= bundles
    this.#lease(engine, bundles)
    return this.#done(bundles)
  }

  /** An engine that is gone without a word: what it holds or owes is quarantined, its own requests are refunded. */
  drop(engine: string): LedgerAnswer {
    this.#refundRequestsOf(engine)
    let bundles = this.leasedTo(engine)
    this.#unlease(engine, bundles)
    for (const [request, open] of this.#requests) {
      const owed = open.debits.get(engine) ?? 0
      subtract(open.debits, engine, owed)
      this.#reclaimingSum -= owed
      bundles += owed
      this.#close(request, open)
    }
    this.#isolate(engine, bundles)
    return this.#done(bundles)
  }

  /** An engine that has left and unmapped everything: what it held is free, what it owed has arrived, its requests are refunded. */
  leave(engine: string): LedgerAnswer {
    this.#refundRequestsOf(engine)
    const bundles = this.leasedTo(engine)
    this.#unlease(engine, bundles)
    this.#free += bundles
    for (const open of this.#requests.values()) {
      const owed = open.debits.get(engine) ?? 0
      subtract(open.debits, engine, owed)
      this.#reclaimingSum -= owed
      open.reserved += owed
      this.#reservedSum += owed
    }
    return this.#done(bundles)
  }

  /** Plain data, entries by id. */
  snapshot(): LedgerSnapshot {
    const requests = [...this.#requests].sort(([a], [b]) => compareIds(a, b))
    return {
      total: this.total,
      leased: sorted(this.#leased),
      quarantined: sorted(this.#quarantined),
      requests: requests.map(([request, { to, reserved, debits }]) => ({
        request,
        to,
        reserved,
        debits: sorted(debits),
      })),
    }
  }

  /** @throws {InvariantError} when the states of a snapshot do not add up. */
  static restore(snapshot: LedgerSnapshot): Ledger {
    const ledger = new Ledger(snapshot.total)
    for (const { engine, bundles } of snapshot.leased) {
      ledger.#takeFree(bundles)
      ledger.#lease(engine, bundles)
    }
    for (const { engine, bundles } of snapshot.quarantined) {
      ledger.#takeFree(bundles)
      ledger.#isolate(engine, bundles)
    }
    for (const { request, to, reserved, debits } of snapshot.requests) {
      const open = ledger.#open(request, to)
      ledger.#takeFree(reserved)
      open.reserved += reserved
      ledger.#reservedSum += reserved
      for (const { engine, bundles } of debits) {
        ledger.#takeFree(bundles)
        add(open.debits, engine, bundles)
        ledger.#reclaimingSum += bundles
      }
    }
    ledger.audit()
    return ledger
  }

  /** Counts every entry again. O(engines + requests); every operation checks the sums alone. */
  audit(): void {
    let reclaiming = 0
    let reserved = 0
    for (const [request, open] of this.#requests) {
      invariant(isCount(open.reserved), () => `${request} has ${open.reserved} reserved`)
      reserved += open.reserved
      reclaiming += sumOf(open.debits)
    }
    const counted = {
      free: this.#free,
      leased: sumOf(this.#leased),
      reclaiming,
      reserved,
      quarantined: sumOf(this.#quarantined),
    }
    const totals = this.totals
    invariant(
      counted.leased === totals.leased &&
        counted.reclaiming === totals.reclaiming &&
        counted.reserved === totals.reserved &&
        counted.quarantined === totals.quarantined,
      () => `counted ${JSON.stringify(counted)}, kept ${JSON.stringify(totals)}`,
    )
    this.#checkSums()
  }

  #requesterDiffers(request: string, to: string): boolean {
    const open = this.#requests.get(request)
    return open !== undefined && open.to !== to
  }

  #open(request: string, to: string): OpenRequest {
    let open = this.#requests.get(request)
    if (open === undefined) {
      open = { to, reserved: 0, debits: new Map() }
      this.#requests.set(request, open)
    }
    return open
  }

  /** Forgets a request with nothing left in the ledger. */
  #close(request: string, open: OpenRequest): void {
    if (open.reserved === 0 && open.debits.size === 0) this.#requests.delete(request)
  }

  #refundRequestsOf(engine: string): void {
    for (const [request, open] of this.#requests) if (open.to === engine) this.refund(request)
  }

  #takeFree(bundles: number): void {
    invariant(isCount(bundles), () => `${bundles} is no number of bundles`)
    this.#free -= bundles
  }

  #lease(engine: string, bundles: number): void {
    add(this.#leased, engine, bundles)
    this.#leasedSum += bundles
  }

  #unlease(engine: string, bundles: number): void {
    subtract(this.#leased, engine, bundles)
    this.#leasedSum -= bundles
  }

  #isolate(engine: string, bundles: number): void {
    add(this.#quarantined, engine, bundles)
    this.#quarantinedSum += bundles
  }

  #done(bundles: number): LedgerAnswer {
    this.#checkSums()
    return { kind: 'done', bundles }
  }

  #checkSums(): void {
    const { free, leased, reclaiming, reserved, quarantined } = this.totals
    invariant(
      free >= 0 && free + leased + reclaiming + reserved + quarantined === this.total,
      () =>
        `${free} free + ${leased} leased + ${reclaiming} reclaiming + ${reserved} reserved + ${quarantined} quarantined of ${this.total}`,
    )
  }
}

interface OpenRequest {
  readonly to: string
  reserved: number
  readonly debits: Map<string, number>
}

function refused(reason: LedgerRefusal, available: number): LedgerAnswer {
  return { kind: 'refused', reason, available }
}
