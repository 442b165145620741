import type { Bytes } from '@kvasir/kernel'
import type { FreeBlocks, FreeBlocksShape } from './free-blocks.js'
import { ReleaseOrder } from './release-order.js'
import { bytesOf, widen } from './widen.js'

const none = -1

/** Elements of a bundle's record, and where its fields stand: side by side, for a block that comes or goes concerns all of them. */
const stride = 5
/** Free blocks. */
const free = 0
/** The clean ones among them, and the first of these, which is void while there is none. */
const clean = 1
const cleanHead = 2
/** Its neighbours among the bundles with as many free blocks. */
const listNext = 3
const listPrevious = 4

/**
 * Clean blocks first, from the bundle that has the fewest free blocks left, so that whole bundles stay or become free;
 * when no clean block is left, the cached block that was released longest ago, wherever it lies.
 *
 * Hot path: bundles with a clean block hang in a list by their number of free blocks, a bit per non-empty list finds the
 * fullest: a handful of writes per block taken or released, whatever the number of bundles.
 */
export class FullestBundle implements FreeBlocks {
  readonly #blocksPerBundle: number
  readonly #bundlesPerBlock: number
  #size = 0
  /** By bundle, `stride` elements each. */
  #bundles: Int32Array
  /** By block: the next clean one of its bundle. */
  #cleanNext: Int32Array
  /** By number of free blocks: the bundles that have a clean one among them. */
  readonly #listHead: Int32Array
  readonly #listBits: Int32Array
  /** Cached free blocks. */
  readonly #cached: ReleaseOrder

  constructor({ blocksPerBundle, bundleCapacity }: FreeBlocksShape) {
    this.#blocksPerBundle = blocksPerBundle
    this.#bundlesPerBlock = 1 / blocksPerBundle
    this.#bundles = new Int32Array(bundleCapacity * stride)
    this.#cleanNext = new Int32Array(bundleCapacity * blocksPerBundle)
    this.#listHead = new Int32Array(blocksPerBundle + 1).fill(none)
    this.#listBits = new Int32Array((blocksPerBundle >> 5) + 1)
    this.#cached = new ReleaseOrder(bundleCapacity * blocksPerBundle)
  }

  get size(): number {
    return this.#size
  }

  get bytes(): Bytes {
    const own = [this.#bundles, this.#listHead, this.#listBits, this.#cleanNext]
    return this.#cached.bytes + bytesOf(own)
  }

  addBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    // Pushed backwards: the list is a stack, and the lowest block shall be taken first.
    let head = none
    for (let i = this.#blocksPerBundle - 1; i >= 0; i--) {
      this.#cleanNext[first + i] = head
      head = first + i
    }
    const record = bundle * stride
    this.#bundles[record + cleanHead] = head
    this.#bundles[record + clean] = this.#blocksPerBundle
    this.#bundles[record + free] = this.#blocksPerBundle
    this.#size += this.#blocksPerBundle
    this.#enlist(bundle)
  }

  removeBundle(bundle: number): void {
    this.#delist(bundle)
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) {
      if (this.#cached.has(first + i)) this.#cached.remove(first + i)
    }
    const record = bundle * stride
    this.#bundles[record + clean] = 0
    this.#bundles[record + free] = 0
    this.#size -= this.#blocksPerBundle
  }

  releaseClean(block: number): void {
    const bundle = this.#bundleOf(block)
    const record = bundle * stride
    this.#delist(bundle)
    // The link of the last clean block leads nowhere: the count says where the list ends.
    this.#cleanNext[block] = this.#bundles[record + cleanHead]
    this.#bundles[record + cleanHead] = block
    this.#bundles[record + clean]++
    this.#bundles[record + free]++
    this.#size++
    this.#enlist(bundle)
  }

  releaseCached(block: number): void {
    const bundle = this.#bundleOf(block)
    this.#delist(bundle)
    this.#cached.push(block)
    this.#bundles[bundle * stride + free]++
    this.#size++
    this.#enlist(bundle)
  }

  take(): number {
    const bundle = this.#fullest()
    if (bundle === none) {
      const oldest = this.#cached.shift()
      if (oldest !== none) this.#leave(oldest)
      return oldest
    }
    this.#delist(bundle)
    const record = bundle * stride
    const block = this.#bundles[record + cleanHead]
    this.#bundles[record + cleanHead] = this.#cleanNext[block]
    this.#bundles[record + clean]--
    this.#bundles[record + free]--
    this.#size--
    this.#enlist(bundle)
    return block
  }

  revive(block: number): void {
    this.#cached.remove(block)
    this.#leave(block)
  }

  /** A cached block is free no longer. */
  #leave(block: number): void {
    const bundle = this.#bundleOf(block)
    this.#delist(bundle)
    this.#bundles[bundle * stride + free]--
    this.#size--
    this.#enlist(bundle)
  }

  grow(bundleCapacity: number): void {
    const blockCapacity = bundleCapacity * this.#blocksPerBundle
    this.#cached.grow(blockCapacity)
    this.#bundles = widen(this.#bundles, bundleCapacity * stride)
    this.#cleanNext = widen(this.#cleanNext, blockCapacity)
  }

  toArray(): Int32Array {
    const blocks = new Int32Array(this.#size)
    let count = 0
    const bundles = this.#bundles
    for (let size = 0; size <= this.#blocksPerBundle; size++) {
      for (let b = this.#listHead[size]; b !== none; b = bundles[b * stride + listNext]) {
        for (
          let block = bundles[b * stride + cleanHead], left = bundles[b * stride + clean];
          left > 0;
          left--
        ) {
          blocks[count++] = block
          block = this.#cleanNext[block]
        }
      }
    }
    blocks.set(this.#cached.toArray(), count)
    return blocks
  }

  /** As `BlockPool.bundleOf`. */
  #bundleOf(block: number): number {
    return ((block + 0.5) * this.#bundlesPerBlock) | 0
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
    const bundles = this.#bundles
    const record = bundle * stride
    if (bundles[record + clean] === 0) return
    const size = bundles[record + free]
    const next = this.#listHead[size]
    bundles[record + listNext] = next
    bundles[record + listPrevious] = none
    if (next !== none) bundles[next * stride + listPrevious] = bundle
    this.#listHead[size] = bundle
    this.#listBits[size >> 5] |= 1 << (size & 31)
  }

  #delist(bundle: number): void {
    const bundles = this.#bundles
    const record = bundle * stride
    if (bundles[record + clean] === 0) return
    const size = bundles[record + free]
    const next = bundles[record + listNext]
    const previous = bundles[record + listPrevious]
    if (next !== none) bundles[next * stride + listPrevious] = previous
    if (previous !== none) bundles[previous * stride + listNext] = next
    else {
      this.#listHead[size] = next
      if (next === none) this.#listBits[size >> 5] &= ~(1 << (size & 31))
    }
  }
}
