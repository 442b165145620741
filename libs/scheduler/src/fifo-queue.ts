import { LinkedQueue } from '@kvasir/kernel'
import type { WaitingQueue } from './waiting-queue.js'

/** First come, first served; what was preempted comes back to the front, the last one preempted foremost. */
export class FifoQueue implements WaitingQueue {
  #queue = new LinkedQueue(64)
  #capacity = 64
  readonly #before: (a: number, b: number) => boolean

  /** `before` compares arrivals, for preemptive use only: the queue itself keeps the order of calls. */
  constructor(before: (a: number, b: number) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#queue.size
  }

  head(): number {
    return this.#queue.head
  }

  push(slot: number): void {
    this.#ensure(slot)
    this.#queue.pushTail(slot)
  }

  pushBack(slot: number): void {
    this.#ensure(slot)
    this.#queue.pushHead(slot)
  }

  remove(slot: number): void {
    this.#queue.remove(slot)
  }

  before(a: number, b: number): boolean {
    return this.#before(a, b)
  }

  toArray(): number[] {
    const slots: number[] = []
    for (let slot = this.#queue.head; slot !== -1; slot = this.#queue.after(slot)) slots.push(slot)
    return slots
  }

  some(visit: (slot: number) => boolean): boolean {
    for (let slot = this.#queue.head; slot !== -1; slot = this.#queue.after(slot))
      if (visit(slot)) return true
    return false
  }

  #ensure(slot: number): void {
    if (slot < this.#capacity) return
    this.#capacity = Math.max(slot + 1, this.#capacity * 2)
    const wider = new LinkedQueue(this.#capacity)
    for (let s = this.#queue.head; s !== -1; s = this.#queue.after(s)) wider.pushTail(s)
    this.#queue = wider
  }
}
