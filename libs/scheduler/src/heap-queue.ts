import { type Before, IndexedHeap } from './indexed-heap.js'
import type { WaitingQueue } from './waiting-queue.js'

/** What an order sorts by: the smallest goes first. */
export type Key = (slot: number) => number

/**
 * Smallest key first. A sequence waits under the key it had when it came: estimates that change meanwhile do not move it, and
 * those of a preempted sequence are taken anew when it comes back.
 */
export class HeapQueue implements WaitingQueue {
  readonly #key: Key
  readonly #byArrival: Before
  readonly #heap: IndexedHeap
  /** By slot; of waiting sequences. */
  #keys = new Float64Array(64)

  /** `byArrival` decides between equal keys. */
  constructor(key: Key, byArrival: Before) {
    this.#key = key
    this.#byArrival = byArrival
    this.#heap = new IndexedHeap((a, b) => this.#goesFirst(a, this.#keys[a], b, this.#keys[b]))
  }

  get size(): number {
    return this.#heap.size
  }

  head(): number {
    return this.#heap.top
  }

  push(slot: number): void {
    if (slot >= this.#keys.length) {
      const wider = new Float64Array(Math.max(slot + 1, this.#keys.length * 2))
      wider.set(this.#keys)
      this.#keys = wider
    }
    this.#keys[slot] = this.#key(slot)
    this.#heap.push(slot)
  }

  pushBack(slot: number): void {
    this.push(slot)
  }

  remove(slot: number): void {
    this.#heap.remove(slot)
  }

  before(a: number, b: number): boolean {
    return this.#goesFirst(a, this.#present(a), b, this.#present(b))
  }

  toArray(): number[] {
    return this.#heap.toSorted()
  }

  some(visit: (slot: number) => boolean): boolean {
    return this.#heap.some(visit)
  }

  #present(slot: number): number {
    return this.#heap.has(slot) ? this.#keys[slot] : this.#key(slot)
  }

  #goesFirst(a: number, keyA: number, b: number, keyB: number): boolean {
    return keyA !== keyB ? keyA < keyB : this.#byArrival(a, b)
  }
}
