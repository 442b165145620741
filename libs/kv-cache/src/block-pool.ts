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

/** In a block's state: it can be found by its content; and one sequence that refers to it. */
const REGISTERED = 1
const REFERENCE = 2

/** Elements of a bundle's counts, and where they stand: used blocks, registered blocks, and 1 while the bundle is mapped. */
const stride = 3
const used = 0
const cached = 1
const mapped = 2

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
  readonly #bundlesPerBlock: number
  readonly #free: FreeBlocks
  readonly #index: PrefixIndex
  /** By block: references of sequences in units of {@link REFERENCE}, and {@link REGISTERED} or 0. */
  #states = new Int32Array(0)
  /** By bundle, `stride` elements each. */
  #counts = new Int32Array(0)
  #bundleIdLimit = 0
  #bundles = 0
  #freeBundles = 0
  #bundlesTaken = 0
  /** Answer of {@link takeAll}. */
  #taken = new Int32Array(64)
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
    this.#bundlesPerBlock = 1 / blocksPerBundle
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
    return this.#bundleIdLimit
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
    return bytesOf([this.#states, this.#counts]) + this.#free.bytes + this.#index.bytes
  }

  /** Hot path: a product takes a quarter of the time of a quotient, and with half a block more no rounding reaches another bundle. */
  bundleOf(block: number): number {
    return ((block + 0.5) * this.#bundlesPerBlock) | 0
  }

  isMapped(bundle: number): boolean {
    return bundle < this.#bundleIdLimit && this.#counts[bundle * stride + mapped] === 1
  }

  usedInBundle(bundle: number): Blocks {
    return this.#counts[bundle * stride + used]
  }

  /** Blocks of a bundle that carry registered content, used or free: what unmapping it forgets. */
  cachedInBundle(bundle: number): Blocks {
    return this.#counts[bundle * stride + cached]
  }

  references(block: number): number {
    return this.#states[block] >> 1
  }

  isRegistered(block: number): boolean {
    return (this.#states[block] & REGISTERED) === REGISTERED
  }

  // --- bundles ---

  /** Adds bundles the engine now leases; their blocks queue behind the free ones in ascending order. */
  mapBundles(ids: readonly number[]): void {
    for (let i = 0; i < ids.length; i++) this.#mapBundle(ids[i])
  }

  /** Takes a bundle out of circulation; its cached content is forgotten. @throws {InvariantError} when a block is used. */
  unmapBundle(id: number): void {
    invariant(this.isMapped(id), () => `bundle ${id} is not mapped`)
    invariant(this.usedInBundle(id) === 0, () => `bundle ${id} has ${this.usedInBundle(id)} used blocks`)
    const first = id * this.blocksPerBundle
    for (let block = first; this.cachedInBundle(id) > 0; block++) {
      if (this.isRegistered(block)) this.#forget(block)
    }
    this.#free.removeBundle(id)
    this.#counts[id * stride + mapped] = 0
    this.#bundles--
    this.#freeBundles--
  }

  /**
   * Up to `count` free bundles, those first whose loss forgets the least cached content, then by id.
   * Cold: looks at every mapped bundle.
   */
  pickFreeBundles(count: Bundles): number[] {
    const ids: number[] = []
    for (let id = 0; id < this.#bundleIdLimit; id++) {
      if (this.isMapped(id) && this.usedInBundle(id) === 0) ids.push(id)
    }
    ids.sort((a, b) => this.cachedInBundle(a) - this.cachedInBundle(b) || a - b)
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
    for (let id = 0; id < this.#bundleIdLimit; id++) if (this.isMapped(id)) ids.push(id)
    return ids
  }

  // --- blocks ---

  /** Takes a free block, with one reference; what was cached in it is forgotten. The caller has checked `freeBlocks`. */
  take(): number {
    const block = this.#free.take()
    if (block < 0) this.#refuseTake()
    this.#begin(block)
    return block
  }

  /**
   * Takes `count` free blocks as {@link take} does; they stand in the first places of the answer, which the next call overwrites. Hot
   * path: all are chosen before any is forgotten, so that what is read of them, far apart, is under way at once.
   */
  takeAll(count: Blocks): Int32Array {
    if (count > this.#taken.length) this.#taken = new Int32Array(2 * count)
    const taken = this.#taken
    for (let k = 0; k < count; k++) {
      const block = this.#free.take()
      if (block < 0) this.#refuseTake()
      taken[k] = block
    }
    if (this.prefixCaching) this.#index.fetchOf(taken, count)
    for (let k = 0; k < count; k++) this.#begin(taken[k])
    return taken
  }

  /** One more sequence refers to a registered block; a free one comes back to life. */
  reference(block: number): void {
    const state = this.#states[block]
    this.#states[block] = state + REFERENCE
    if (state >= REFERENCE) return
    this.#free.revive(block)
    this.#cachedFree--
    this.#use(block)
  }

  /** One reference less; at none the block is free, and cached if it is registered. */
  release(block: number): void {
    const state = this.#states[block] - REFERENCE
    this.#states[block] = state
    if (state >= REFERENCE) return
    if (state < 0) refuseRelease(block)
    const bundle = this.bundleOf(block)
    if (--this.#counts[bundle * stride + used] === 0) this.#freeBundles++
    if (state === REGISTERED) {
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
    const state = this.#states[block]
    if (!this.prefixCaching || (state & REGISTERED) === REGISTERED)
      refuseRegistration(block, this.prefixCaching)
    this.#states[block] = state | REGISTERED
    this.#counts[this.bundleOf(block) * stride + cached]++
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
    this.#states[block] &= ~REGISTERED
    this.#counts[this.bundleOf(block) * stride + cached]--
  }

  /** Free blocks in the order in which they would be taken. Cold: allocates. */
  freeOrder(): Int32Array {
    return this.#free.toArray()
  }

  #refuseTake(): never {
    invariant(false, () => `no free block among ${this.totalBlocks}`)
  }

  /** A block that is free no longer gets its first reference. */
  #begin(block: number): void {
    if (this.#states[block] === REGISTERED) {
      this.#cachedFree--
      this.unregister(block)
    }
    this.#states[block] = REFERENCE
    this.#use(block)
  }

  #use(block: number): void {
    const bundle = this.bundleOf(block)
    if (this.#counts[bundle * stride + used]++ > 0) return
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
    if (id >= this.#bundleIdLimit) this.#grow(id + 1)
    this.#counts[id * stride + mapped] = 1
    this.#bundles++
    this.#freeBundles++
    this.#free.addBundle(id)
  }

  #grow(bundles: number): void {
    const capacity = Math.min(this.bundleCapacity, Math.max(bundles, this.#bundleIdLimit * 2))
    const blocks = capacity * this.blocksPerBundle
    this.#states = widen(this.#states, blocks)
    this.#counts = widen(this.#counts, capacity * stride)
    this.#bundleIdLimit = capacity
    this.#free.grow(capacity)
    if (this.prefixCaching) this.#index.grow(blocks)
  }
}

// Apart from where they are called, so that the hot path carries no closures.

function refuseRegistration(block: number, prefixCaching: boolean): never {
  invariant(false, () => `block ${block} cannot be registered (again); prefix caching ${prefixCaching}`)
}

function refuseRelease(block: number): never {
  invariant(false, () => `block ${block} released more often than referenced`)
}
