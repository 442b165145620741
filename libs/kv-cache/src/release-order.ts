import type { Bytes } from '@kvasir/kernel'
import { widen } from './widen.js'

const none = -1

/**
 * Blocks in the order in which they came, each at most once; any of them may leave, and one may be put before all others. Hot path: a ring, for the oldest are read one after
 * the other where a linked list has each of them say where the next one lies, and they lie far apart. Who leaves out of turn leaves a
 * place behind that is passed over. Every operation is O(1) on average.
 */
export class ReleaseOrder {
  /** At most half of it is in use when it has just been put in order. */
  #ring: Int32Array
  /** By block: its place in the ring, or none. A place whose block is elsewhere, or nowhere, is void. */
  #places: Int32Array
  /** The oldest place that is not known to be void, and the one behind the newest. Equal: none is left. */
  #first = 0
  #end = 0

  /** @param capacity blocks are below this. */
  constructor(capacity: number) {
    this.#ring = new Int32Array(2 * capacity + 2)
    this.#places = new Int32Array(capacity).fill(none)
  }

  get bytes(): Bytes {
    return this.#ring.byteLength + this.#places.byteLength
  }

  has(block: number): boolean {
    return this.#places[block] !== none
  }

  push(block: number): void {
    const end = this.#end
    const after = end + 1 === this.#ring.length ? 0 : end + 1
    if (after === this.#first) {
      this.#tidy(this.#ring.length)
      this.push(block)
      return
    }
    this.#ring[end] = block
    this.#places[block] = end
    this.#end = after
  }

  /** Puts a block before the oldest. */
  pushFirst(block: number): void {
    const before = this.#first === 0 ? this.#ring.length - 1 : this.#first - 1
    if (before === this.#end) {
      this.#tidy(this.#ring.length)
      this.pushFirst(block)
      return
    }
    this.#ring[before] = block
    this.#places[block] = before
    this.#first = before
  }

  remove(block: number): void {
    this.#places[block] = none
  }

  /** The one that has been here longest leaves; -1 when there is none. */
  shift(): number {
    const ring = this.#ring
    let first = this.#first
    let oldest = none
    while (oldest === none && first !== this.#end) {
      const block = ring[first]
      if (this.#places[block] === first) oldest = block
      first = first + 1 === ring.length ? 0 : first + 1
    }
    this.#first = first
    if (oldest !== none) this.#places[oldest] = none
    return oldest
  }

  /** Room for blocks below a higher number; those that are here keep their order. */
  grow(capacity: number): void {
    this.#places = widen(this.#places, capacity, none)
    this.#tidy(2 * capacity + 2)
  }

  /** From oldest to newest. Cold: allocates. */
  toArray(): Int32Array {
    const blocks: number[] = []
    for (let place = this.#first; place !== this.#end; place = (place + 1) % this.#ring.length) {
      const block = this.#ring[place]
      if (this.#places[block] === place) blocks.push(block)
    }
    return Int32Array.from(blocks)
  }

  /** Leaves the void places out, in a ring of so many. */
  #tidy(length: number): void {
    const ring = this.#ring
    const tidied = new Int32Array(length)
    let count = 0
    for (let place = this.#first; place !== this.#end; place = place + 1 === ring.length ? 0 : place + 1) {
      const block = ring[place]
      if (this.#places[block] === place) tidied[count++] = block
    }
    for (let place = 0; place < count; place++) this.#places[tidied[place]] = place
    this.#ring = tidied
    this.#first = 0
    this.#end = count
  }
}
