import { type Bytes, LinkedQueue } from '@kvasir/kernel'
import type { FreeBlocks, FreeBlocksShape } from './free-blocks.js'
import { bytesOf, widen } from './widen.js'

const none = -1

/**
 * Clean blocks first, from the bundle that has the fewest free blocks left, so that whole bundles stay or become free;
 * when no clean block is left, the cached block that was released longest ago, wherever it lies.
 *
 * Hot path: bundles with a clean block hang in a list by their number of free blocks, a bit per non-empty list finds the
 * fullest: a handful of writes per block taken or released, whatever the number of bundles.
 */
export class FullestBundle implements FreeBlocks {
  readonly #blocksPerBundle: number
  #size = 0
  /** By bundle: all free blocks, the clean ones among them, and the first clean one. */
  #free: Int32Array
  #clean: Int32Array
  #cleanHead: Int32Array
  /** By block: the next clean one of its bundle. */
  #cleanNext: Int32Array
  /** By number of free blocks: the bundles that have a clean one among them. */
  readonly #listHead: Int32Array
  readonly #listBits: Int32Array
  #listNext: Int32Array
  #listPrevious: Int32Array
  /** Cached free blocks in order of release. */
  #cached: LinkedQueue

  constructor({ blocksPerBundle, bundleCapacity }: FreeBlocksShape) {
    this.#blocksPerBundle = blocksPerBundle
    this.#free = new Int32Array(bundleCapacity)
    this.#clean = new Int32Array(bundleCapacity)
    this.#cleanHead = new Int32Array(bundleCapacity).fill(none)
    this.#cleanNext = new Int32Array(bundleCapacity * blocksPerBundle)
    this.#listHead = new Int32Array(blocksPerBundle + 1).fill(none)
    this.#listBits = new Int32Array((blocksPerBundle >> 5) + 1)
    this.#listNext = new Int32Array(bundleCapacity)
    this.#listPrevious = new Int32Array(bundleCapacity)
    this.#cached = new LinkedQueue(bundleCapacity * blocksPerBundle)
  }

  get size(): number {
    return this.#size
  }

  get bytes(): Bytes {
    const bundles = [this.#free, this.#clean, this.#cleanHead, this.#listNext, this.#listPrevious]
    const lists = [this.#listHead, this.#listBits, this.#cleanNext]
    return this.#cached.bytes + bytesOf(bundles) + bytesOf(lists)
  }

  addBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    // Pushed backwards: the list is a stack, and the lowest block shall be taken first.
    for (let i = this.#blocksPerBundle - 1; i >= 0; i--) {
      this.#cleanNext[first + i] = this.#cleanHead[bundle]
      this.#cleanHead[bundle] = first + i
    }
    this.#clean[bundle] = this.#blocksPerBundle
    this.#free[bundle] = this.#blocksPerBundle
    this.#size += this.#blocksPerBundle
    this.#enlist(bundle)
  }

  removeBundle(bundle: number): void {
    this.#delist(bundle)
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) {
      if (this.#cached.has(first + i)) this.#cached.remove(first + i)
    }
    this.#cleanHead[bundle] = none
    this.#clean[bundle] = 0
    this.#free[bundle] = 0
    this.#size -= this.#blocksPerBundle
  }

  releaseClean(block: number): void {
    const bundle = this.#bundleOf(block)
    this.#delist(bundle)
    this.#cleanNext[block] = this.#cleanHead[bundle]
    this.#cleanHead[bundle] = block
    this.#clean[bundle]++
    this.#free[bundle]++
    this.#size++
    this.#enlist(bundle)
  }

  releaseCached(block: number): void {
    const bundle = this.#bundleOf(block)
    this.#delist(bundle)
    this.#cached.pushTail(block)
    this.#free[bundle]++
    this.#size++
    this.#enlist(bundle)
  }

  take(): number {
    const bundle = this.#fullest()
    if (bundle === none) {
      const oldest = this.#cached.head
      if (oldest !== none) this.revive(oldest)
      return oldest
    }
    this.#delist(bundle)
    const block = this.#cleanHead[bundle]
    this.#cleanHead[bundle] = this.#cleanNext[block]
    this.#clean[bundle]--
    this.#free[bundle]--
    this.#size--
    this.#enlist(bundle)
    return block
  }

  revive(block: number): void {
    const bundle = this.#bundleOf(block)
    this.#delist(bundle)
    this.#cached.remove(block)
    this.#free[bundle]--
    this.#size--
    this.#enlist(bundle)
  }

  grow(bundleCapacity: number): void {
    const blockCapacity = bundleCapacity * this.#blocksPerBundle
    const cached = new LinkedQueue(blockCapacity)
    for (let block = this.#cached.head; block !== none; block = this.#cached.after(block))
      cached.pushTail(block)
    this.#cached = cached
    this.#free = widen(this.#free, bundleCapacity)
    this.#clean = widen(this.#clean, bundleCapacity)
    this.#cleanHead = widen(this.#cleanHead, bundleCapacity, none)
    this.#cleanNext = widen(this.#cleanNext, blockCapacity)
    this.#listNext = widen(this.#listNext, bundleCapacity)
    this.#listPrevious = widen(this.#listPrevious, bundleCapacity)
  }

  toArray(): Int32Array {
    const blocks = new Int32Array(this.#size)
    let count = 0
    for (let free = 0; free <= this.#blocksPerBundle; free++) {
      for (let bundle = this.#listHead[free]; bundle !== none; bundle = this.#listNext[bundle]) {
        for (let block = this.#cleanHead[bundle], left = this.#clean[bundle]; left > 0; left--) {
          blocks[count++] = block
          block = this.#cleanNext[block]
        }
      }
    }
    for (let block = this.#cached.head; block !== none; block = this.#cached.after(block))
      blocks[count++] = block
    return blocks
  }

  #bundleOf(block: number): number {
    return (block / this.#blocksPerBundle) | 0
  }

  /** The bundle with a clean block that has the fewest free ones, or none. */
  #fullest(): number {
    for (let word = 0; word < this.#listBits.length; word++) {
      const bits = this.#listBits[word]
      if (bits !== 0) return this.#listHead[word * 32 + 31 - Math.clz32(bits & -bits)]
    }
    return none
  }

  #enlist(bundle: number): void {
    if (this.#clean[bundle] === 0) return
    const free = this.#free[bundle]
    const next = this.#listHead[free]
    this.#listNext[bundle] = next
    this.#listPrevious[bundle] = none
    if (next !== none) this.#listPrevious[next] = bundle
    this.#listHead[free] = bundle
    this.#listBits[free >> 5] |= 1 << (free & 31)
  }

  #delist(bundle: number): void {
    if (this.#clean[bundle] === 0) return
    const free = this.#free[bundle]
    const next = this.#listNext[bundle]
    const previous = this.#listPrevious[bundle]
    if (next !== none) this.#listPrevious[next] = previous
    if (previous !== none) this.#listNext[previous] = next
    else {
      this.#listHead[free] = next
      if (next === none) this.#listBits[free >> 5] &= ~(1 << (free & 31))
    }
  }
}
