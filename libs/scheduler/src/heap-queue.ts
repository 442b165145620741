import type { WaitingQueue } from './waiting-queue.js'

const absent = -1

/** Strict total order of waiting sequences by slot. It must not change for a slot while the slot waits. */
export type Before = (a: number, b: number) => boolean

/** A binary heap of slots with their positions, so that any of them can be removed in O(log n). */
export class HeapQueue implements WaitingQueue {
  readonly #before: Before
  readonly #heap: number[] = []
  /** By slot: its place in the heap, or absent. */
  #places = new Int32Array(64).fill(absent)

  constructor(before: Before) {
    this.#before = before
  }

  get size(): number {
    return this.#heap.length
  }

  head(): number {
    return this.#heap.length === 0 ? -1 : this.#heap[0]
  }

  push(slot: number): void {
    if (slot >= this.#places.length) {
      const wider = new Int32Array(Math.max(slot + 1, this.#places.length * 2)).fill(absent)
      wider.set(this.#places)
      this.#places = wider
    }
    this.#heap.push(slot)
    this.#rise(this.#heap.length - 1, slot)
  }

  pushBack(slot: number): void {
    this.push(slot)
  }

  remove(slot: number): void {
    const place = this.#places[slot]
    const last = this.#heap.pop() as number
    this.#places[slot] = absent
    if (last === slot) return
    this.#sink(place, last)
    if (this.#places[last] === place) this.#rise(place, last)
  }

  before(a: number, b: number): boolean {
    return this.#before(a, b)
  }

  toArray(): number[] {
    return this.#heap.slice().sort((a, b) => (a === b ? 0 : this.#before(a, b) ? -1 : 1))
  }

  some(visit: (slot: number) => boolean): boolean {
    return this.#heap.some(visit)
  }

  #rise(place: number, slot: number): void {
    let hole = place
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (!this.#before(slot, this.#heap[parent])) break
      this.#put(hole, this.#heap[parent])
      hole = parent
    }
    this.#put(hole, slot)
  }

  #sink(place: number, slot: number): void {
    const size = this.#heap.length
    let hole = place
    for (;;) {
      let child = 2 * hole + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(this.#heap[child + 1], this.#heap[child])) child++
      if (!this.#before(this.#heap[child], slot)) break
      this.#put(hole, this.#heap[child])
      hole = child
    }
    this.#put(hole, slot)
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot
    this.#places[slot] = place
  }
}
