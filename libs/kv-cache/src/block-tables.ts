import type { Blocks, Bytes, Tokens } from '@kvasir/kernel'
import type { BlockContent } from './block-content.js'
import type { BlockPool } from './block-pool.js'
import { ChangedSlots } from './changed-slots.js'
import { DueBlocks } from './due-blocks.js'
import type { Fragmentation } from './fragmentation.js'
import { HashChain } from './hash-chain.js'
import { IntTables } from './int-tables.js'
import { widen } from './widen.js'

/** What a lookup found. */
export interface PrefixHit {
  /** Leading blocks of the sequence that are in the cache. */
  readonly blocks: Blocks
  /** Those of them that nobody uses: a hit takes them out of the free blocks. */
  readonly revived: Blocks
}

/** Elements of a slot's record, and where its fields stand: side by side, for a decoding sequence needs all of them at once. */
const stride = 4
/** The hash of its last registered block, in two lanes: where its chain goes on. */
const chainA = 0
const chainB = 1
/** Leading blocks that are registered. */
const registered = 2
/** The last block of its table. */
const last = 3

/**
 * The block tables of an engine's sequences, by slot, and how far each sequence's content is registered.
 *
 * A running sequence hashes each block once, when it is full. Hashes are kept only for what lookups have seen of waiting
 * sequences, so that a head that has to wait is not hashed at every attempt. Without prefix caching nothing is ever hashed.
 */
export class BlockTables {
  readonly #pool: BlockPool
  readonly #seed: number
  readonly #tables = new IntTables()
  #records = new Int32Array(64 * stride)
  /** What lookups hashed, two lanes a block. */
  readonly #hashes = new IntTables()
  readonly #chain = new HashChain()
  readonly #due = new DueBlocks()
  #heldBlocks = 0
  #hits = new Int32Array(64)
  readonly #hit = { blocks: 0, revived: 0 }
  #changes: ChangedSlots | undefined

  constructor(pool: BlockPool, seed = 0) {
    this.#pool = pool
    this.#seed = seed
  }

  ensureSlots(slots: number): void {
    this.#tables.ensureRows(slots)
    this.#hashes.ensureRows(slots)
    if (slots * stride > this.#records.length) {
      this.#records = widen(this.#records, Math.max(slots * stride, this.#records.length * 2))
    }
  }

  /** From now on notes whose table changes; before the first call nothing is noted, and nothing paid. */
  watchChanges(): ChangedSlots {
    this.#changes ??= new ChangedSlots()
    return this.#changes
  }

  /** Entries of all tables together; a block shared by two sequences counts twice. */
  get heldBlocks(): Blocks {
    return this.#heldBlocks
  }

  /** What the tables' entries take, room to grow included. */
  get entryBytes(): Bytes {
    return this.#tables.capacity * Int32Array.BYTES_PER_ELEMENT
  }

  length(slot: number): Blocks {
    return this.#tables.length(slot)
  }

  /** Leading blocks of the slot that are registered. */
  registered(slot: number): Blocks {
    return this.#records[slot * stride + registered]
  }

  at(slot: number, index: number): number {
    return this.#tables.at(slot, index)
  }

  /** The slot's block ids; a view, valid until any table changes. */
  view(slot: number): Int32Array {
    return this.#tables.view(slot)
  }

  /**
   * Walks the content from its first block while it is cached, at most `limit` blocks; the hit blocks are kept for
   * {@link admit}. Changes nothing in the pool. The answer is overwritten by the next lookup.
   */
  findPrefix(slot: number, content: BlockContent, limit: Blocks): PrefixHit {
    this.registerDue()
    let blocks = 0
    let revived = 0
    while (blocks < limit) {
      this.#hashTo(slot, content, blocks)
      const block = this.#pool.find(this.#hashes.at(slot, 2 * blocks), this.#hashes.at(slot, 2 * blocks + 1))
      if (block < 0) break
      if (this.#pool.references(block) === 0) revived++
      if (blocks === this.#hits.length) this.#hits = widen(this.#hits, blocks * 2)
      this.#hits[blocks++] = block
    }
    this.#hit.blocks = blocks
    this.#hit.revived = revived
    return this.#hit
  }

  /** Leading blocks of a content that has no slot which are in the cache, at most `limit`. Keeps nothing. */
  cachedBlocks(content: BlockContent, limit: Blocks): Blocks {
    const chain = this.#chain
    chain.start(this.#seed)
    for (let block = 0; block < limit; block++) {
      content.fold(chain, block, this.#pool.blockSize)
      chain.seal()
      if (this.#pool.find(chain.a, chain.b) < 0) return block
    }
    return limit
  }

  /** Gives the slot, which holds nothing, the blocks of the lookup just made. */
  admit(slot: number, { blocks }: PrefixHit): void {
    const record = slot * stride
    let block = -1
    for (let i = 0; i < blocks; i++) {
      block = this.#hits[i]
      this.#pool.reference(block)
      this.#tables.push(slot, block)
    }
    if (this.#pool.prefixCaching) this.#recall(slot, blocks)
    this.#records[record + chainA] = this.#chain.a
    this.#records[record + chainB] = this.#chain.b
    this.#records[record + registered] = blocks
    this.#records[record + last] = block
    this.#heldBlocks += blocks
    if (blocks > 0) this.#changes?.noteGrown(slot)
  }

  /** Appends new blocks to the slot's table. The caller has checked that so many are free. */
  append(slot: number, blocks: Blocks): void {
    let block = -1
    if (blocks === 1) {
      block = this.#pool.take()
      this.#tables.push(slot, block)
    } else {
      const taken = this.#pool.takeAll(blocks)
      this.#tables.pushAll(slot, taken, blocks)
      block = taken[blocks - 1]
    }
    this.#records[slot * stride + last] = block
    this.#heldBlocks += blocks
    this.#changes?.noteGrown(slot)
  }

  /**
   * Enters the slot's blocks up to `blocks`, all of whose tokens are known, into the prefix cache, where they are from
   * {@link registerDue} on. Hot path: a decoding sequence enters its last block.
   */
  register(slot: number, content: BlockContent, blocks: Blocks): void {
    const record = slot * stride
    const known = this.#records[record + registered]
    this.#records[record + registered] = blocks
    if (blocks === known + 1 && blocks === this.#tables.length(slot)) {
      this.#due.add(slot, content, known, this.#records[record + last])
      return
    }
    for (let i = known; i < blocks; i++) this.#due.add(slot, content, i, this.#tables.at(slot, i))
  }

  /**
   * Enters the blocks that wait for it, in the order in which they came. One loop hashes, another enters: what each of them reads lies
   * far apart, and a processor fetches for many turns of a short loop at once. Due before the cache is asked, and when a
   * plan is made.
   */
  registerDue(): void {
    const { count, slots, contents, indices, hashesA, hashesB } = this.#due
    if (count === 0) return
    const records = this.#records
    const chain = this.#chain
    const blockSize = this.#pool.blockSize
    for (let k = 0; k < count; k++) {
      const record = slots[k] * stride
      chain.a = records[record + chainA]
      chain.b = records[record + chainB]
      contents[k].fold(chain, indices[k], blockSize)
      chain.seal()
      records[record + chainA] = hashesA[k] = chain.a
      records[record + chainB] = hashesB[k] = chain.b
    }
    this.#pool.registerAll(this.#due)
    this.#due.clear()
  }

  /**
   * Takes the slot's blocks from `blocks` on out of the prefix cache: they will not be computed after all. The slot must be
   * released next.
   */
  unregister(slot: number, blocks: Blocks): void {
    this.registerDue()
    const record = slot * stride
    const count = this.#records[record + registered]
    for (let i = count - 1; i >= blocks; i--) this.#pool.unregister(this.#tables.at(slot, i))
    this.#records[record + registered] = Math.min(count, blocks)
  }

  /**
   * Frees the slot's blocks from last to first, so that the cache forgets a sequence's end before its beginning. Clean blocks
   * go first in descending order in spite of being put before the queue one by one: hence the ascending loop.
   */
  release(slot: number): void {
    this.registerDue()
    const pool = this.#pool
    const table = this.#tables.view(slot)
    const { length } = table
    const firstClean = pool.prefixCaching ? this.#records[slot * stride + registered] : length
    for (let i = firstClean; i < length; i++) pool.release(table[i])
    for (let i = firstClean - 1; i >= 0; i--) pool.release(table[i])
    this.#tables.clear(slot)
    this.#records[slot * stride + registered] = 0
    this.#heldBlocks -= length
    if (length > 0) this.#changes?.noteReleased(slot)
  }

  /** Forgets the hashes too: the slot's content is about to change. */
  reset(slot: number): void {
    this.#hashes.clear(slot)
  }

  /** `storedTokens`: tokens of all holders together whose KV exists or is being computed. */
  fragmentation(storedTokens: Tokens): Fragmentation {
    const pool = this.#pool
    const heldSlots = this.#heldBlocks * pool.blockSize
    const unusedSlots = heldSlots - storedTokens
    const bundlesInUse = pool.bundlesInUse
    const strandedBlocks = pool.strandedBlocks
    const idleBundles = pool.freeBundles
    return {
      heldSlots,
      unusedSlots,
      internal: heldSlots === 0 ? 0 : unusedSlots / heldSlots,
      bundlesInUse,
      strandedBlocks,
      bundle: bundlesInUse === 0 ? 0 : strandedBlocks / (bundlesInUse * pool.blocksPerBundle),
      idleBundles,
      pool: pool.bundles === 0 ? 0 : idleBundles / pool.bundles,
    }
  }

  /** Hashes the slot's content until block `block` is. */
  #hashTo(slot: number, content: BlockContent, block: number): void {
    const hashes = this.#hashes
    let hashed = hashes.length(slot) >> 1
    if (hashed > block) return
    this.#recall(slot, hashed)
    for (; hashed <= block; hashed++) {
      content.fold(this.#chain, hashed, this.#pool.blockSize)
      this.#chain.seal()
      hashes.push(slot, this.#chain.a)
      hashes.push(slot, this.#chain.b)
    }
  }

  /** Brings the chain to where it stood after the slot's first `blocks` blocks, which are hashed. */
  #recall(slot: number, blocks: Blocks): void {
    if (blocks === 0) {
      this.#chain.start(this.#seed)
    } else {
      this.#chain.a = this.#hashes.at(slot, 2 * blocks - 2)
      this.#chain.b = this.#hashes.at(slot, 2 * blocks - 1)
    }
  }
}
