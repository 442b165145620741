import { type Before, IndexedHeap } from './indexed-heap.js'
import { type SequenceStore, SLOT_ENDED } from './sequence-store.js'
import { SlotLines } from './slot-lines.js'
import { type Tenant, TenantAccounts } from './tenant-accounts.js'
import type { WaitingQueue } from './waiting-queue.js'

/**
 * Virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", arXiv 2401.00588): the tenant that got the
 * least service per weight goes first, within a tenant the one that arrived first. A tenant that begins to wait is lifted to the
 * least counter of those that wait (or, when none does, of the last that did), so that nobody banks credit by staying away.
 *
 * The bound (theorem 4.4 there, by lemma 4.3): while two tenants both have something waiting, the service they get per weight
 * differs at most by 2U, however long; U is the most that one tenant's counter can rise after its last admission, which is
 * outputUnits × the tokens, prompt and output, of the sequences it can have running, over its weight. It takes running sequences
 * to be left alone: a preemption gives a tenant its turn again without taking service back.
 *
 * Choosing takes O(log tenants). Counters rise with every token put out, but for those a tenant is moved in the heap only when it
 * comes to the top or one of its sequences ends: what has to be moved at once are no more tenants than run.
 */
export class FairQueue implements WaitingQueue {
  readonly #store: SequenceStore
  readonly #accounts: TenantAccounts
  readonly #byArrival: Before
  readonly #lines = new SlotLines()
  /** Tenants with a waiting sequence, by index. */
  readonly #waiting: IndexedHeap
  /** Where a lift takes a tenant when nobody else waits. */
  #lastThatWaited: Tenant | undefined
  #size = 0

  constructor(store: SequenceStore, byArrival: Before) {
    this.#store = store
    this.#accounts = new TenantAccounts(store)
    this.#byArrival = byArrival
    this.#waiting = new IndexedHeap((a, b) => {
      const left = this.#accounts.at(a)
      const right = this.#accounts.at(b)
      if (left.known !== right.known) return left.known < right.known
      return byArrival(left.line.head, right.line.head)
    })
  }

  get size(): number {
    return this.#size
  }

  head(): number {
    return this.#least()?.line.head ?? -1
  }

  push(slot: number): void {
    const tenant = this.#accounts.open(slot)
    if (tenant.line.head === -1) {
      const floor = (this.#least() ?? this.#lastThatWaited)?.counter ?? 0
      tenant.counter = Math.max(tenant.counter, floor)
    }
    this.#enqueue(tenant, slot, -1)
  }

  /** Keeps its age: it goes before those of its tenant that arrived later. Its tenant was not away. */
  pushBack(slot: number): void {
    this.#accounts.stopped(slot)
    const tenant = this.#accounts.of(slot)
    let next = tenant.line.head
    while (next !== -1 && this.#byArrival(next, slot)) next = this.#lines.after(next)
    this.#enqueue(tenant, slot, next)
  }

  remove(slot: number): void {
    const tenant = this.#accounts.of(slot)
    this.#lines.remove(tenant.line, slot)
    this.#size--
    if (tenant.line.head !== -1) return this.#move(tenant)
    this.#waiting.remove(tenant.index)
    this.#lastThatWaited = tenant
  }

  admitted(slot: number, tokens: number): void {
    this.#accounts.admitted(slot, tokens)
    this.#moveIfWaiting(this.#accounts.of(slot))
  }

  emitted(slots: Int32Array, count: number): void {
    const { state } = this.#store
    for (let i = 0; i < count; i++) {
      this.#accounts.emitted(slots[i])
      if (state[slots[i]] === SLOT_ENDED) this.#moveIfWaiting(this.#accounts.of(slots[i]))
    }
  }

  ended(slot: number): void {
    this.#accounts.close(slot)
    // What its tenant gets back may bring it forward.
    this.#moveIfWaiting(this.#accounts.of(slot))
  }

  before(a: number, b: number): boolean {
    const { counter: counterA } = this.#accounts.of(a)
    const { counter: counterB } = this.#accounts.of(b)
    return counterA !== counterB ? counterA < counterB : this.#byArrival(a, b)
  }

  /** Tenant by tenant, as the counters stand. */
  toArray(): number[] {
    const tenants: Tenant[] = []
    this.#waiting.some((index) => {
      tenants.push(this.#accounts.at(index))
      return false
    })
    tenants.sort((a, b) => a.counter - b.counter || (this.#byArrival(a.line.head, b.line.head) ? -1 : 1))
    return tenants.flatMap((tenant) => this.#slotsOf(tenant))
  }

  some(visit: (slot: number) => boolean): boolean {
    return this.#waiting.some((index) => {
      const { head } = this.#accounts.at(index).line
      for (let slot = head; slot !== -1; slot = this.#lines.after(slot)) if (visit(slot)) return true
      return false
    })
  }

  /** Service that a tenant received in units per weight, lifts included; 0 for one that is not known. */
  counter(tenant: string): number {
    return this.#accounts.named(tenant)?.counter ?? 0
  }

  /** Tenants known. */
  get tenants(): number {
    return this.#accounts.size
  }

  /** The waiting tenant with the least counter. Those on top whose counter has risen since sink first. */
  #least(): Tenant | undefined {
    while (this.#waiting.size > 0) {
      const tenant = this.#accounts.at(this.#waiting.top)
      if (tenant.known === tenant.counter) return tenant
      this.#move(tenant)
    }
    return undefined
  }

  /** Puts a waiting tenant where its counter and its first sequence belong now. */
  #move(tenant: Tenant): void {
    tenant.known = tenant.counter
    this.#waiting.update(tenant.index)
  }

  #moveIfWaiting(tenant: Tenant): void {
    if (tenant.line.head !== -1) this.#move(tenant)
  }

  #enqueue(tenant: Tenant, slot: number, next: number): void {
    const waited = tenant.line.head !== -1
    this.#lines.insert(tenant.line, slot, next)
    this.#size++
    if (waited) return this.#move(tenant)
    tenant.known = tenant.counter
    this.#waiting.push(tenant.index)
  }

  #slotsOf({ line }: Tenant): number[] {
    const slots: number[] = []
    for (let slot = line.head; slot !== -1; slot = this.#lines.after(slot)) slots.push(slot)
    return slots
  }
}
