import type { Bytes } from './units.js'

/**
 * A doubly linked list over the integers 0..capacity-1: each is in the list at most once, and every operation is O(1).
 * Hot path: three typed-array writes, no allocation. -1 means none.
 */
export class LinkedQueue {
  #next: Int32Array
  #previous: Int32Array
  /** Index `capacity` is the sentinel that closes the ring. */
  #end: number
  #size = 0

  constructor(capacity: number) {
    this.#next = new Int32Array(capacity + 1).fill(-1)
    this.#previous = new Int32Array(capacity + 1).fill(-1)
    this.#end = capacity
    this.#next[capacity] = capacity
    this.#previous[capacity] = capacity
  }

  get size(): number {
    return this.#size
  }

  /** What its arrays take. */
  get bytes(): Bytes {
    return this.#next.byteLength + this.#previous.byteLength
  }

  get head(): number {
    const first = this.#next[this.#end]
    return first === this.#end ? -1 : first
  }

  get tail(): number {
    const last = this.#previous[this.#end]
    return last === this.#end ? -1 : last
  }

  has(item: number): boolean {
    return this.#next[item] !== -1
  }

  after(item: number): number {
    const next = this.#next[item]
    return next === this.#end ? -1 : next
  }

  pushTail(item: number): void {
    this.#insert(item, this.#previous[this.#end])
  }

  pushHead(item: number): void {
    this.#insert(item, this.#end)
  }

  /** Takes the head; -1 when empty. */
  shift(): number {
    const first = this.head
    if (first !== -1) this.remove(first)
    return first
  }

  remove(item: number): void {
    const next = this.#next[item]
    const previous = this.#previous[item]
    this.#next[previous] = next
    this.#previous[next] = previous
    this.#next[item] = -1
    this.#previous[item] = -1
    this.#size--
  }

  #insert(item: number, previous: number): void {
    const next = this.#next[previous]
    this.#next[item] = next
    this.#previous[item] = previous
    this.#next[previous] = item
    this.#previous[next] = item
    this.#size++
  }
}
