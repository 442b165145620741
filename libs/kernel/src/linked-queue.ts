import type { Bytes } from './units.js'

/**
 * A doubly linked list over the integers 0..capacity-1: each is in the list at most once, and every operation is O(1).
 * Hot path: three typed-array writes, no allocation; an item's two links lie side by side, for whoever needs one needs the other.
 * -1 means none.
 */
export class LinkedQueue {
  /** By item: the next one, then the one before. Item `capacity` is the sentinel that closes the ring. */
  #links: Int32Array
  #end: number
  #size = 0

  constructor(capacity: number) {
    this.#links = new Int32Array(2 * (capacity + 1)).fill(-1)
    this.#end = capacity
    this.#links[2 * capacity] = capacity
    this.#links[2 * capacity + 1] = capacity
  }

  get size(): number {
    return this.#size
  }

  /** What its arrays take. */
  get bytes(): Bytes {
    return this.#links.byteLength
  }

  get head(): number {
    const first = this.#links[2 * this.#end]
    return first === this.#end ? -1 : first
  }

  get tail(): number {
    const last = this.#links[2 * this.#end + 1]
    return last === this.#end ? -1 : last
  }

  has(item: number): boolean {
    return this.#links[2 * item] !== -1
  }

  after(item: number): number {
    const next = this.#links[2 * item]
    return next === this.#end ? -1 : next
  }

  pushTail(item: number): void {
    this.#insert(item, this.#links[2 * this.#end + 1])
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
    const links = this.#links
    const next = links[2 * item]
    const previous = links[2 * item + 1]
    links[2 * previous] = next
    links[2 * next + 1] = previous
    links[2 * item] = -1
    links[2 * item + 1] = -1
    this.#size--
  }

  #insert(item: number, previous: number): void {
    const links = this.#links
    const next = links[2 * previous]
    links[2 * item] = next
    links[2 * item + 1] = previous
    links[2 * previous] = item
    links[2 * next + 1] = item
    this.#size++
  }
}
