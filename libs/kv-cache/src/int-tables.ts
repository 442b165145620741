import { invariant } from '@kvasir/kernel'
import { widen } from './widen.js'

const smallestClass = 3
const noSegment = -1

/**
 * Many growing lists of 32-bit integers in one typed array. A list lives in a segment of 2^k elements; when it is full it
 * moves to one twice as long and leaves the old one to the next list of that size. So appending allocates nothing (the arena
 * itself doubles now and then), a million-entry list costs what it holds, and nothing is left to the garbage collector.
 */
export class IntTables {
  #arena: Int32Array
  #used = 0
  /** By row: first element of its segment, how many are in use, log2 of the segment's length. */
  #starts: Int32Array
  #lengths: Int32Array
  #classes: Uint8Array
  /** By class: first free segment; each free segment's first element names the next. */
  readonly #freeSegments = new Int32Array(31).fill(noSegment)

  constructor(rows = 64, elements = 1024) {
    this.#arena = new Int32Array(elements)
    this.#starts = new Int32Array(rows).fill(noSegment)
    this.#lengths = new Int32Array(rows)
    this.#classes = new Uint8Array(rows)
  }

  /** Elements the arena has room for: what the tables cost in memory, four bytes each. */
  get capacity(): number {
    return this.#arena.length
  }

  ensureRows(rows: number): void {
    if (rows <= this.#starts.length) return
    const capacity = Math.max(rows, this.#starts.length * 2)
    this.#starts = widen(this.#starts, capacity, noSegment)
    this.#lengths = widen(this.#lengths, capacity)
    const classes = new Uint8Array(capacity)
    classes.set(this.#classes)
    this.#classes = classes
  }

  length(row: number): number {
    return this.#lengths[row]
  }

  at(row: number, index: number): number {
    return this.#arena[this.#starts[row] + index]
  }

  push(row: number, value: number): void {
    const length = this.#lengths[row]
    if (this.#starts[row] === noSegment || length === 1 << this.#classes[row]) this.#widen(row)
    this.#arena[this.#starts[row] + length] = value
    this.#lengths[row] = length + 1
  }

  /** Forgets the row's elements and gives its segment back. */
  clear(row: number): void {
    const start = this.#starts[row]
    if (start === noSegment) return
    this.#giveBack(start, this.#classes[row])
    this.#starts[row] = noSegment
    this.#lengths[row] = 0
    this.#classes[row] = 0
  }

  /** A view of the row; valid until any row is pushed to or cleared. */
  view(row: number): Int32Array {
    const start = this.#starts[row]
    return start === noSegment
      ? this.#arena.subarray(0, 0)
      : this.#arena.subarray(start, start + this.#lengths[row])
  }

  #widen(row: number): void {
    const from = this.#starts[row]
    const oldClass = this.#classes[row]
    const newClass = from === noSegment ? smallestClass : oldClass + 1
    const to = this.#segment(newClass)
    if (from !== noSegment) {
      this.#arena.copyWithin(to, from, from + this.#lengths[row])
      this.#giveBack(from, oldClass)
    }
    this.#starts[row] = to
    this.#classes[row] = newClass
  }

  #segment(sizeClass: number): number {
    invariant(sizeClass < this.#freeSegments.length, () => `a table of 2^${sizeClass} elements is too long`)
    const free = this.#freeSegments[sizeClass]
    if (free !== noSegment) {
      this.#freeSegments[sizeClass] = this.#arena[free]
      return free
    }
    const start = this.#used
    this.#used += 1 << sizeClass
    if (this.#used > this.#arena.length) {
      this.#arena = widen(this.#arena, Math.max(this.#used, this.#arena.length * 2))
    }
    return start
  }

  #giveBack(start: number, sizeClass: number): void {
    this.#arena[start] = this.#freeSegments[sizeClass]
    this.#freeSegments[sizeClass] = start
  }
}
