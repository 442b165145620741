import type { Blocks, Tokens } from '@kvasir/kernel'
import type { BlockContent } from './block-content.js'
import type { BlockPool } from './block-pool.js'
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

/**
 * The block tables of an engine's sequences, by slot, and how far each sequence's content is hashed and registered.
 * Hashes are computed once, when a lookup or a registration first needs them; without prefix caching never.
 */
export class BlockTables {
  readonly #pool: BlockPool
  readonly #seed: number
  readonly #tables = new IntTables()
  /** Two lanes a block. */
  readonly #hashes = new IntTables()
  readonly #chain = new HashChain()
  /** By slot: where its chain ends (the lanes of the last block hashed), blocks registered, the last block of its table. */
  #chainA = new Int32Array(64)
  #chainB = new Int32Array(64)
  #registered = new Int32Array(64)
  #lastBlock = new Int32Array(64)
  #heldBlocks = 0
  #hits = new Int32Array(64)
  readonly #hit = { blocks: 0, revived: 0 }

  constructor(pool: BlockPool, seed = 0) {
    this.#pool = pool
    this.#seed = seed
  }

  ensureSlots(slots: number): void {
    this.#tables.ensureRows(slots)
    this.#hashes.ensureRows(slots)
    if (slots <= this.#registered.length) return
    const capacity = Math.max(slots, this.#registered.length * 2)
    this.#chainA = widen(this.#chainA, capacity)
    this.#chainB = widen(this.#chainB, capacity)
    this.#registered = widen(this.#registered, capacity)
    this.#lastBlock = widen(this.#lastBlock, capacity)
  }

  /** Entries of all tables together; a block shared by two sequences counts twice. */
  get heldBlocks(): Blocks {
    return this.#heldBlocks
  }

  length(slot: number): Blocks {
    return this.#tables.length(slot)
  }

  /** Leading blocks of the slot that are registered. */
  registered(slot: number): Blocks {
    return this.#registered[slot]
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

  /** Gives the slot, which holds nothing, the blocks of the lookup just made. */
  admit(slot: number, { blocks }: PrefixHit): void {
    for (let i = 0; i < blocks; i++) {
      this.#pool.reference(this.#hits[i])
      this.#tables.push(slot, this.#hits[i])
    }
    this.#registered[slot] = blocks
    this.#heldBlocks += blocks
  }

  /** Appends new blocks to the slot's table. The caller has checked that so many are free. */
  append(slot: number, blocks: Blocks): void {
    let block = 0
    for (let i = 0; i < blocks; i++) {
      block = this.#pool.take()
      this.#tables.push(slot, block)
    }
    this.#lastBlock[slot] = block
    this.#heldBlocks += blocks
  }

  /**
   * Enters the slot's blocks up to `blocks`, all of whose tokens are known, into the prefix cache. A decoding sequence registers
   * one block at a time, its last: that case reads nothing but what is kept by slot.
   */
  register(slot: number, content: BlockContent, blocks: Blocks): void {
    const registered = this.#registered[slot]
    if (
      blocks === registered + 1 &&
      blocks === this.#tables.length(slot) &&
      this.#hashed(slot) === registered
    ) {
      this.#hashTo(slot, content, registered)
      this.#pool.register(this.#lastBlock[slot], this.#chainA[slot], this.#chainB[slot])
    } else {
      for (let i = registered; i < blocks; i++) {
        this.#hashTo(slot, content, i)
        this.#pool.register(
          this.#tables.at(slot, i),
          this.#hashes.at(slot, 2 * i),
          this.#hashes.at(slot, 2 * i + 1),
        )
      }
    }
    this.#registered[slot] = blocks
  }

  /**
   * Frees the slot's blocks from last to first, so that the cache forgets a sequence's end before its beginning. Clean blocks
   * go first in descending order in spite of being put before the queue one by one: hence the ascending loop.
   */
  release(slot: number): void {
    const length = this.#tables.length(slot)
    const registered = this.#registered[slot]
    if (this.#pool.prefixCaching) {
      for (let i = registered; i < length; i++) this.#pool.release(this.#tables.at(slot, i))
      for (let i = registered - 1; i >= 0; i--) this.#pool.release(this.#tables.at(slot, i))
    } else {
      for (let i = length - 1; i >= 0; i--) this.#pool.release(this.#tables.at(slot, i))
    }
    this.#tables.clear(slot)
    this.#registered[slot] = 0
    this.#heldBlocks -= length
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
    return {
      heldSlots,
      unusedSlots,
      internal: heldSlots === 0 ? 0 : unusedSlots / heldSlots,
      bundlesInUse,
      strandedBlocks,
      bundle: bundlesInUse === 0 ? 0 : strandedBlocks / (bundlesInUse * pool.blocksPerBundle),
    }
  }

  /** Blocks of the slot that are hashed. */
  #hashed(slot: number): Blocks {
    return this.#hashes.length(slot) >> 1
  }

  /** Extends the slot's chain until block `block` is hashed. */
  #hashTo(slot: number, content: BlockContent, block: number): void {
    const hashes = this.#hashes
    let hashed = this.#hashed(slot)
    if (hashed > block) return
    const chain = this.#chain
    if (hashed === 0) {
      chain.start(this.#seed)
    } else {
      chain.a = this.#chainA[slot]
      chain.b = this.#chainB[slot]
    }
    for (; hashed <= block; hashed++) {
      content.fold(chain, hashed, this.#pool.blockSize)
      chain.seal()
      hashes.push(slot, chain.a)
      hashes.push(slot, chain.b)
    }
    this.#chainA[slot] = chain.a
    this.#chainB[slot] = chain.b
  }
}
