import { invariant } from '@kvasir/kernel'
import { widen } from './widen.js'

const smallestClass = 3
/** No segment begins here: so a new row's record, all zero, is an empty one. */
const noSegment = 0

/** Elements of a row's record, and where its fields stand: side by side, for whoever needs one of them needs all. */
const stride = 4
/** First element of its segment. */
const startOf = 0
/** Elements in use. */
const lengthOf = 1
/** log2 of the segment's length. */
const classOf = 2

/**
 * Many growing lists of 32-bit integers in one typed array. A list lives in a segment of 2^k elements; when it is full it
 * moves to one twice as long and leaves the old one to the next list of that size. So appending allocates nothing (the arena
 * itself doubles now and then), a million-entry list costs what it holds, and nothing is left to the garbage collector.
 */
export class IntTables {
  #arena: Int32Array
  #used = 1 << smallestClass
  /** By row, `stride` elements each. */
  #records: Int32Array
  /** By class: first free segment; each free segment's first element names the next. */
  readonly #freeSegments = new Int32Array(31)

  constructor(rows = 64, elements = 1024) {
    this.#arena = new Int32Array(elements)
    this.#records = new Int32Array(rows * stride)
  }

  /** Elements the arena has room for: what the tables cost in memory, four bytes each. */
  get capacity(): number {
    return this.#arena.length
  }

  ensureRows(rows: number): void {
    const before = this.#records.length
    if (rows * stride <= before) return
    this.#records = widen(this.#records, Math.max(rows * stride, before * 2))
  }

  length(row: number): number {
    return this.#records[row * stride + lengthOf]
  }

  at(row: number, index: number): number {
    return this.#arena[this.#records[row * stride + startOf] + index]
  }

  push(row: number, value: number): void {
    const record = row * stride
    const length = this.#records[record + lengthOf]
    if (this.#records[record + startOf] === noSegment || length === 1 << this.#records[record + classOf])
      this.#widen(record)
    this.#arena[this.#records[record + startOf] + length] = value
    this.#records[record + lengthOf] = length + 1
  }

  /** Appends the first `count` values, in a segment found once for all of them. */
  pushAll(row: number, values: Int32Array, count: number): void {
    const record = row * stride
    const length = this.#records[record + lengthOf]
    this.#reserve(record, length + count)
    const arena = this.#arena
    const end = this.#records[record + startOf] + length
    for (let k = 0; k < count; k++) arena[end + k] = values[k]
    this.#records[record + lengthOf] = length + count
  }

  /** Forgets the row's elements and gives its segment back. */
  clear(row: number): void {
    const record = row * stride
    const start = this.#records[record + startOf]
    if (start === noSegment) return
    this.#giveBack(start, this.#records[record + classOf])
    this.#records.fill(0, record, record + stride)
  }

  /** A view of the row; valid until any row is pushed to or cleared. */
  view(row: number): Int32Array {
    const record = row * stride
    const start = this.#records[record + startOf]
    return start === noSegment
      ? this.#arena.subarray(0, 0)
      : this.#arena.subarray(start, start + this.#records[record + lengthOf])
  }

  #widen(record: number): void {
    this.#reserve(record, this.#records[record + lengthOf] + 1)
  }

  /** Makes room for so many elements. */
  #reserve(record: number, length: number): void {
    const from = this.#records[record + startOf]
    const oldClass = this.#records[record + classOf]
    if (from !== noSegment && length <= 1 << oldClass) return
    let newClass = smallestClass
    while (length > 1 << newClass) newClass++
    const to = this.#segment(newClass)
    if (from !== noSegment) {
      this.#arena.copyWithin(to, from, from + this.#records[record + lengthOf])
      this.#giveBack(from, oldClass)
    }
    this.#records[record + startOf] = to
    this.#records[record + classOf] = newClass
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
