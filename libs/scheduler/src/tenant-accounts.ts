import type { Tokens } from '@kvasir/kernel'
import type { SequenceStore } from './sequence-store.js'
import type { Line } from './slot-lines.js'

/** Service units of an input and an output token, from VTC (arXiv 2401.00588, section 5: w_p = 1, w_q = 2). */
export const inputUnits = 1
export const outputUnits = 2

/** Idle tenants are looked for only when so many are known, and again when there are twice as many. */
const FORGET_FROM = 1_024

export interface Tenant {
  readonly index: number
  readonly name: string
  /** Service received in units per weight, lifts included. */
  counter: number
  /** The counter by which the heap of waiting tenants has it, never above the counter. */
  known: number
  /** Sequences of it that have not ended. */
  live: number
  /** Those of them that wait, by arrival. */
  readonly line: Line
}

/**
 * What tenants owe for service: a prompt when it is admitted, as far as the prefix cache does not have it, and each output token
 * when it is there. Tokens computed again after a preemption are nobody's debt. What was charged for a prompt and never computed,
 * because the sequence ended before, is given back.
 */
export class TenantAccounts {
  readonly #store: SequenceStore
  readonly #byName = new Map<string, Tenant>()
  /** By index; undefined where a tenant was forgotten. */
  readonly #tenants: (Tenant | undefined)[] = []
  readonly #freeIndices: number[] = []
  #forgetAt = FORGET_FROM
  // By slot: its tenant, 1 / weight, prompt tokens charged, and most prompt tokens that any of its runs has computed.
  #tenantOf = new Int32Array(64)
  #price = new Float64Array(64)
  #charged = new Int32Array(64)
  #computed = new Int32Array(64)

  constructor(store: SequenceStore) {
    this.#store = store
  }

  get size(): number {
    return this.#byName.size
  }

  at(index: number): Tenant {
    return this.#tenants[index] as Tenant
  }

  of(slot: number): Tenant {
    return this.at(this.#tenantOf[slot])
  }

  named(name: string): Tenant | undefined {
    return this.#byName.get(name)
  }

  /** A new sequence. */
  open(slot: number): Tenant {
    this.#ensure(slot)
    const { tenant: name = '', weight = 1 } = this.#store.input(slot)
    const tenant = this.#byName.get(name) ?? this.#add(name)
    tenant.live++
    this.#tenantOf[slot] = tenant.index
    this.#price[slot] = 1 / weight
    this.#charged[slot] = 0
    this.#computed[slot] = 0
    return tenant
  }

  /** A sequence was admitted and has so many tokens to compute. */
  admitted(slot: number, tokens: Tokens): void {
    if (this.#store.preemptions[slot] > 0) return
    this.#charged[slot] = tokens
    this.#charge(slot, inputUnits * tokens)
  }

  /** It put out a token; it may have ended with it. */
  emitted(slot: number): void {
    this.#charge(slot, outputUnits)
  }

  stopped(slot: number): void {
    this.#computed[slot] = Math.max(this.#computed[slot], this.#store.lost[slot])
  }

  /** A sequence is over. */
  close(slot: number): void {
    const { tokens, promptTokens, computed } = this.#store
    this.of(slot).live--
    if (tokens[slot] > promptTokens[slot]) return
    const missing = promptTokens[slot] - Math.max(this.#computed[slot], computed[slot])
    this.#charge(slot, -inputUnits * Math.min(this.#charged[slot], missing))
  }

  #charge(slot: number, units: number): void {
    this.of(slot).counter += units * this.#price[slot]
  }

  #add(name: string): Tenant {
    if (this.#byName.size >= this.#forgetAt) this.#forgetIdle()
    const index = this.#freeIndices.pop() ?? this.#tenants.length
    const tenant = { index, name, counter: 0, known: 0, live: 0, line: { head: -1, tail: -1 } }
    this.#tenants[index] = tenant
    this.#byName.set(name, tenant)
    return tenant
  }

  /** Forgets idle tenants that a lift would take above what they have received: that is what became of them anyway. */
  #forgetIdle(): void {
    let floor = Infinity
    for (const { live, counter } of this.#byName.values()) if (live > 0) floor = Math.min(floor, counter)
    // With nobody live there is no floor to go by.
    if (floor === Infinity) floor = -Infinity
    for (const { live, counter, name, index } of this.#byName.values()) {
      if (live > 0 || counter > floor) continue
      this.#byName.delete(name)
      this.#tenants[index] = undefined
      this.#freeIndices.push(index)
    }
    this.#forgetAt = Math.max(FORGET_FROM, 2 * this.#byName.size)
  }

  #ensure(slot: number): void {
    const length = this.#tenantOf.length
    if (slot < length) return
    const wider = Math.max(slot + 1, length * 2)
    this.#tenantOf = ints(this.#tenantOf, wider)
    this.#charged = ints(this.#charged, wider)
    this.#computed = ints(this.#computed, wider)
    const price = new Float64Array(wider)
    price.set(this.#price)
    this.#price = price
  }
}

function ints(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length)
  wider.set(values)
  return wider
}
