import { type Blocks, type Bundles, type Bytes, invariant } from '@kvasir/kernel'
import type { DueBlocks } from './due-blocks.js'
import { type FreeBlocks, makeFreeBlocks, type Placement } from './free-blocks.js'
import { PrefixIndex } from './prefix-index.js'
import { bytesOf, widen } from './widen.js'

export interface BlockPoolOptions {
  /** Tokens of a block. */
  readonly blockSize: number
  readonly blocksPerBundle: number
  /** Bundle ids lie below this; memory is taken only for what is mapped (up to the highest id). */
  readonly bundleCapacity: number
  readonly placement: Placement
  /** Whether released blocks keep their registered content for later hits. */
  readonly prefixCaching: boolean
}

/**
 * The KV blocks of one engine, living in the bundles it leases: block `b` is block `b % blocksPerBundle` of the physical bundle
 * `floor(b / blocksPerBundle)`. A block is unmapped, used (one or more references), or free; a registered block can be found by
 * the hash of its content, used or free, until it is taken for something else.
 *
 * Hot path: struct of arrays, every operation O(1), nothing allocated but when higher bundles are mapped.
 */
export class BlockPool {
  readonly blockSize: number
  readonly blocksPerBundle: number
  readonly bundleCapacity: number
  readonly placement: Placement
  readonly prefixCaching: boolean
  readonly #free: FreeBlocks
  readonly #index: PrefixIndex
  /** By block: references of sequences; 1 while the block is registered. */
  #references = new Int32Array(0)
  #registered = new Int32Array(0)
  /** By bundle: used blocks, registered blocks; 1 while the bundle is mapped. */
  #used = new Int32Array(0)
  #cached = new Int32Array(0)
  #mapped = new Int32Array(0)
  #bundles = 0
  #freeBundles = 0
  #bundlesTaken = 0
  #cachedFree = 0

  constructor(options: BlockPoolOptions) {
    const { blockSize, blocksPerBundle, bundleCapacity } = options
    const sizes = [blockSize, blocksPerBundle, bundleCapacity]
    invariant(
      sizes.every((size) => Number.isInteger(size) && size >= 1) &&
        blocksPerBundle * bundleCapacity < 2 ** 31,
      () => `block size ${blockSize}, ${bundleCapacity} bundles of ${blocksPerBundle} blocks: no such pool`,
    )
    this.blockSize = blockSize
    this.blocksPerBundle = blocksPerBundle
    this.bundleCapacity = bundleCapacity
    this.placement = options.placement
    this.prefixCaching = options.prefixCaching
    this.#free = makeFreeBlocks(options.placement, { ...options, bundleCapacity: 0 })
    this.#index = new PrefixIndex()
  }

  /** Mapped bundles. */
  get bundles(): Bundles {
    return this.#bundles
  }

  /** Mapped bundles of which no block is used; cached content may lie in them. */
  get freeBundles(): Bundles {
    return this.#freeBundles
  }

  /** Mapped bundles have ids below this. */
  get bundleIdLimit(): Bundles {
    return this.#mapped.length
  }

  get bundlesInUse(): Bundles {
    return this.#bundles - this.#freeBundles
  }

  /** Bundles that came into use so far, each as often as it did. */
  get bundlesTaken(): Bundles {
    return this.#bundlesTaken
  }

  get totalBlocks(): Blocks {
    return this.#bundles * this.blocksPerBundle
  }

  /** Blocks that can be taken, clean or cached. */
  get freeBlocks(): Blocks {
    return this.#free.size
  }

  get usedBlocks(): Blocks {
    return this.totalBlocks - this.#free.size
  }

  /** Free blocks that still carry registered content. */
  get cachedFreeBlocks(): Blocks {
    return this.#cachedFree
  }

  /** Free blocks within bundles of which some block is used. */
  get strandedBlocks(): Blocks {
    return this.#free.size - this.#freeBundles * this.blocksPerBundle
  }

  /** What the pool's arrays take, those of its free blocks and prefix cache included. */
  get bytes(): Bytes {
    const own = [this.#references, this.#registered, this.#used, this.#cached, this.#mapped]
    return bytesOf(own) + this.#free.bytes + this.#index.bytes
  }

  bundleOf(block: number): number {
    return (block / this.blocksPerBundle) | 0
  }

  isMapped(bundle: number): boolean {
    return bundle < this.#mapped.length && this.#mapped[bundle] === 1
  }

  usedInBundle(bundle: number): Blocks {
    return this.#used[bundle]
  }

  /** Blocks of a bundle that carry registered content, used or free: what unmapping it forgets. */
  cachedInBundle(bundle: number): Blocks {
    return this.#cached[bundle]
  }

  references(block: number): number {
    return this.#references[block]
  }

  isRegistered(block: number): boolean {
    return this.#registered[block] === 1
  }

  // --- bundles ---

  /** Adds bundles the engine now leases; their blocks queue behind the free ones in ascending order. */
  mapBundles(ids: readonly number[]): void {
    for (let i = 0; i < ids.length; i++) this.#mapBundle(ids[i])
  }

  /** Takes a bundle out of circulation; its cached content is forgotten. @throws {InvariantError} when a block is used. */
  unmapBundle(id: number): void {
    invariant(this.isMapped(id), () => `bundle ${id} is not mapped`)
    invariant(this.#used[id] === 0, () => `bundle ${id} has ${this.#used[id]} used blocks`)
    const first = id * this.blocksPerBundle
    for (let block = first; this.#cached[id] > 0; block++) {
      if (this.#registered[block] === 1) this.#forget(block)
    }
    this.#free.removeBundle(id)
    this.#mapped[id] = 0
    this.#bundles--
    this.#freeBundles--
  }

  /**
   * Up to `count` free bundles, those first whose loss forgets the least cached content, then by id.
   * Cold: looks at every mapped bundle.
   */
  pickFreeBundles(count: Bundles): number[] {
    const ids: number[] = []
    for (let id = 0; id < this.#mapped.length; id++) {
      if (this.#mapped[id] === 1 && this.#used[id] === 0) ids.push(id)
    }
    ids.sort((a, b) => this.#cached[a] - this.#cached[b] || a - b)
    return ids.slice(0, Math.max(0, count))
  }

  /** Unmaps up to `count` free bundles, picked as {@link pickFreeBundles} does, and names them. */
  unmapFree(count: Bundles): number[] {
    const ids = this.pickFreeBundles(count)
    for (const id of ids) this.unmapBundle(id)
    return ids
  }

  /** Ids of the mapped bundles, ascending. Cold. */
  mappedIds(): number[] {
    const ids: number[] = []
    for (let id = 0; id < this.#mapped.length; id++) if (this.#mapped[id] === 1) ids.push(id)
    return ids
  }

  // --- blocks ---

  /** Takes a free block, with one reference; what was cached in it is forgotten. The caller has checked `freeBlocks`. */
  take(): number {
    const block = this.#free.take()
    if (block < 0) this.#refuseTake()
    if (this.#registered[block] === 1) {
      this.#cachedFree--
      this.unregister(block)
    }
    this.#references[block] = 1
    this.#use(block)
    return block
  }

  /** One more sequence refers to a registered block; a free one comes back to life. */
  reference(block: number): void {
    if (this.#references[block]++ > 0) return
    this.#free.revive(block)
    this.#cachedFree--
    this.#use(block)
  }

  /** One reference less; at none the block is free, and cached if it is registered. */
  release(block: number): void {
    const references = --this.#references[block]
    if (references > 0) return
    if (references < 0) refuseRelease(block)
    const bundle = this.bundleOf(block)
    if (--this.#used[bundle] === 0) this.#freeBundles++
    if (this.#registered[block] === 1) {
      this.#cachedFree++
      this.#free.releaseCached(block)
    } else {
      this.#free.releaseClean(block)
    }
  }

  // --- content ---

  /** The block registered earliest under this hash among those still present, or -1. */
  find(a: number, b: number): number {
    return this.#index.find(a, b)
  }

  /** Enters a used block under the hash of its content. */
  register(block: number, a: number, b: number): void {
    invariant(
      this.prefixCaching && this.#registered[block] === 0,
      () => `block ${block} cannot be registered (again); prefix caching ${this.prefixCaching}`,
    )
    this.#registered[block] = 1
    this.#cached[this.bundleOf(block)]++
    this.#index.add(block, a, b)
  }

  /** Enters used blocks under their hashes, in order. */
  registerAll({ blocks, hashesA, hashesB, count }: DueBlocks): void {
    this.#index.fetch(hashesA, count)
    for (let k = 0; k < count; k++) this.register(blocks[k], hashesA[k], hashesB[k])
  }

  /** Takes the content of a used block out of the cache: it will not be what was registered. */
  unregister(block: number): void {
    this.#index.remove(block)
    this.#registered[block] = 0
    this.#cached[this.bundleOf(block)]--
  }

  /** Free blocks in the order in which they would be taken. Cold: allocates. */
  freeOrder(): Int32Array {
    return this.#free.toArray()
  }

  #refuseTake(): never {
    invariant(false, () => `no free block among ${this.totalBlocks}`)
  }

  #use(block: number): void {
    const bundle = this.bundleOf(block)
    if (this.#used[bundle]++ > 0) return
    this.#freeBundles--
    this.#bundlesTaken++
  }

  /** Drops the content of a free block without taking it. */
  #forget(block: number): void {
    this.#cachedFree--
    this.unregister(block)
  }

  #mapBundle(id: number): void {
    invariant(id >= 0 && id < this.bundleCapacity, () => `bundle ${id} of ${this.bundleCapacity}`)
    invariant(!this.isMapped(id), () => `bundle ${id} is mapped already`)
    if (id >= this.#mapped.length) this.#grow(id + 1)
    this.#mapped[id] = 1
    this.#bundles++
    this.#freeBundles++
    this.#free.addBundle(id)
  }

  #grow(bundles: number): void {
    const capacity = Math.min(this.bundleCapacity, Math.max(bundles, this.#mapped.length * 2))
    const blocks = capacity * this.blocksPerBundle
    this.#references = widen(this.#references, blocks)
    this.#registered = widen(this.#registered, blocks)
    this.#used = widen(this.#used, capacity)
    this.#cached = widen(this.#cached, capacity)
    this.#mapped = widen(this.#mapped, capacity)
    this.#free.grow(capacity)
    if (this.prefixCaching) this.#index.grow(blocks)
  }
}

/** Apart from `release`, so that the hot path carries no closure. */
function refuseRelease(block: number): never {
  invariant(false, () => `block ${block} released more often than referenced`)
}
