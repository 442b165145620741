import type { Before } from './heap-queue.js'
import type { SequenceStore } from './sequence-store.js'
import type { WaitingQueue } from './waiting-queue.js'

/** Service units of an input and an output token, from the paper below. */
const inputUnits = 1
const outputUnits = 2

interface Tenant {
  /** Service received, in units per weight. */
  counter: number
  weight: number
  /** Waiting slots, first come first served. */
  readonly queue: number[]
}

/**
 * Virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", arXiv 2401.00588): the tenant that got the
 * least service per weight goes first. A tenant that comes back from idling is lifted to the least counter of those that wait (or
 * of the last that did), so that nobody banks credit by staying away.
 *
 * Choosing looks at every tenant that waits; fine up to thousands of tenants.
 */
export class FairQueue implements WaitingQueue {
  readonly #store: SequenceStore
  readonly #byArrival: Before
  readonly #tenants = new Map<string, Tenant>()
  /** Those with a waiting sequence, in the order in which they came to wait. */
  #waiting: Tenant[] = []
  #lastCounter = 0
  #size = 0

  constructor(store: SequenceStore, byArrival: Before) {
    this.#store = store
    this.#byArrival = byArrival
  }

  get size(): number {
    return this.#size
  }

  head(): number {
    let least: Tenant | undefined
    for (const tenant of this.#waiting) {
      if (least === undefined || this.#goesBefore(tenant, least)) least = tenant
    }
    return least === undefined ? -1 : least.queue[0]
  }

  push(slot: number): void {
    const tenant = this.#tenantOf(slot)
    const { weight } = this.#store.input(slot)
    if (weight !== undefined) tenant.weight = weight
    if (tenant.queue.length === 0) {
      let floor = this.#waiting.length === 0 ? this.#lastCounter : Infinity
      for (const other of this.#waiting) floor = Math.min(floor, other.counter)
      tenant.counter = Math.max(tenant.counter, floor)
      this.#waiting.push(tenant)
    }
    tenant.queue.push(slot)
    this.#size++
  }

  pushBack(slot: number): void {
    const tenant = this.#tenantOf(slot)
    if (tenant.queue.length === 0) this.#waiting.push(tenant)
    tenant.queue.unshift(slot)
    this.#size++
  }

  remove(slot: number): void {
    const tenant = this.#tenantOf(slot)
    tenant.queue.splice(tenant.queue.indexOf(slot), 1)
    this.#size--
    if (tenant.queue.length > 0) return
    this.#waiting.splice(this.#waiting.indexOf(tenant), 1)
    this.#lastCounter = tenant.counter
  }

  /** Charges the prompt. Computing again what a preemption threw away is not the tenant's debt. */
  admitted(slot: number, tokens: number): void {
    if (this.#store.preemptions[slot] === 0) this.#charge(slot, inputUnits * tokens)
  }

  emitted(slots: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.#charge(slots[i], outputUnits)
  }

  before(a: number, b: number): boolean {
    const counterA = this.#tenantOf(a).counter
    const counterB = this.#tenantOf(b).counter
    return counterA !== counterB ? counterA < counterB : this.#byArrival(a, b)
  }

  toArray(): number[] {
    const slots: number[] = []
    const tenants = this.#waiting.slice().sort((a, b) => (this.#goesBefore(a, b) ? -1 : 1))
    for (const tenant of tenants) slots.push(...tenant.queue)
    return slots
  }

  some(visit: (slot: number) => boolean): boolean {
    return this.#waiting.some((tenant) => tenant.queue.some(visit))
  }

  /** Service that a tenant received, in units per weight, including lifts. */
  counter(tenant: string): number {
    return this.#tenants.get(tenant)?.counter ?? 0
  }

  #goesBefore(a: Tenant, b: Tenant): boolean {
    return a.counter !== b.counter ? a.counter < b.counter : this.#byArrival(a.queue[0], b.queue[0])
  }

  #charge(slot: number, units: number): void {
    const tenant = this.#tenantOf(slot)
    tenant.counter += units / tenant.weight
  }

  #tenantOf(slot: number): Tenant {
    const name = this.#store.input(slot).tenant ?? ''
    let tenant = this.#tenants.get(name)
    if (tenant === undefined) {
      tenant = { counter: 0, weight: 1, queue: [] }
      this.#tenants.set(name, tenant)
    }
    return tenant
  }
}
