import { invariant } from './invariant.js'
import type { Micros } from './units.js'

/**
 * Pending events ordered by (time, class, sequence): earlier first, then the lower class, then the order of pushing.
 * Each event carries one 32-bit integer. Hot path: struct of arrays, no allocation per event once grown.
 *
 * `pop()` answers the payload and leaves the popped event's key in `time` and `eventClass`.
 */
export class EventHeap {
  time: Micros = 0
  eventClass = 0
  #times: Float64Array
  /** class * 2^44 + sequence: one comparison for both; sequence stays below 2^44, class below 2^9. */
  #orders: Float64Array
  #payloads: Int32Array
  #size = 0
  #sequence = 0

  constructor(capacity = 1024) {
    this.#times = new Float64Array(capacity)
    this.#orders = new Float64Array(capacity)
    this.#payloads = new Int32Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** Time of the earliest event, or Infinity. */
  peekTime(): Micros {
    return this.#size === 0 ? Infinity : this.#times[0]
  }

  push(time: Micros, eventClass: number, payload: number): void {
    invariant(time >= this.time, () => `event at ${time} us is in the past of ${this.time} us`)
    if (this.#size === this.#times.length) this.#grow()
    const order = eventClass * 0x1000_0000_0000 + this.#sequence++
    let hole = this.#size++
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const parentTime = this.#times[parent]
      if (parentTime < time || (parentTime === time && this.#orders[parent] < order)) break
      this.#move(parent, hole)
      hole = parent
    }
    this.#times[hole] = time
    this.#orders[hole] = order
    this.#payloads[hole] = payload
  }

  pop(): number {
    invariant(this.#size > 0, () => 'pop from an empty event heap')
    const payload = this.#payloads[0]
    this.time = this.#times[0]
    this.eventClass = Math.floor(this.#orders[0] / 0x1000_0000_0000)
    const last = --this.#size
    if (last > 0) this.#sink(last)
    return payload
  }

  /** Puts the element at `from` (just cut off the end) back, starting from the root. */
  #sink(from: number): void {
    const time = this.#times[from]
    const order = this.#orders[from]
    const payload = this.#payloads[from]
    const size = this.#size
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(child + 1, child)) child++
      const childTime = this.#times[child]
      if (childTime > time || (childTime === time && this.#orders[child] > order)) break
      this.#move(child, hole)
      hole = child
    }
    this.#times[hole] = time
    this.#orders[hole] = order
    this.#payloads[hole] = payload
  }

  #before(a: number, b: number): boolean {
    const difference = this.#times[a] - this.#times[b]
    return difference < 0 || (difference === 0 && this.#orders[a] < this.#orders[b])
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]
    this.#orders[to] = this.#orders[from]
    this.#payloads[to] = this.#payloads[from]
  }

  #grow(): void {
    const capacity = this.#times.length * 2
    const times = new Float64Array(capacity)
    times.set(this.#times)
    this.#times = times
    const orders = new Float64Array(capacity)
    orders.set(this.#orders)
    this.#orders = orders
    const payloads = new Int32Array(capacity)
    payloads.set(this.#payloads)
    this.#payloads = payloads
  }
}
