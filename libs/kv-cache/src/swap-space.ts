import { type Blocks, invariant, type Tokens } from '@kvasir/kernel'
import { IntTables } from './int-tables.js'
import { widen } from './widen.js'

/**
 * The host memory of one engine, in blocks, and which of them hold the KV of which stopped sequence, by slot. Every engine has its
 * own, as every engine process has its own pinned memory (vLLM's `--swap-space` is per process too): nothing to broker.
 *
 * A slot's host blocks stand for its table's first blocks in order, and hold its first `tokens` tokens. Without capacity it costs
 * four bytes a slot.
 */
export class SwapSpace {
  readonly capacity: Blocks
  readonly #tables = new IntTables()
  /** By slot: tokens whose KV lies here; 0 = none. */
  #tokens = new Int32Array(64)
  /** Blocks given back, the last one on top; those from `#fresh` on were never used. */
  #returned = new Int32Array(64)
  #returnedCount = 0
  #fresh = 0
  #peakBlocks = 0

  constructor(capacity: Blocks) {
    invariant(Number.isInteger(capacity) && capacity >= 0, () => `swap space of ${capacity} blocks`)
    this.capacity = capacity
  }

  get usedBlocks(): Blocks {
    return this.#fresh - this.#returnedCount
  }

  get freeBlocks(): Blocks {
    return this.capacity - this.usedBlocks
  }

  get peakBlocks(): Blocks {
    return this.#peakBlocks
  }

  ensureSlots(slots: number): void {
    this.#tables.ensureRows(slots)
    if (slots > this.#tokens.length)
      this.#tokens = widen(this.#tokens, Math.max(slots, this.#tokens.length * 2))
  }

  /** Tokens of the slot whose KV lies here; 0 when it has nothing here. */
  tokens(slot: number): Tokens {
    return this.#tokens[slot]
  }

  /** The slot's host blocks; a view, valid until any slot's change. */
  view(slot: number): Int32Array {
    return this.#tables.view(slot)
  }

  /** Takes `blocks` host blocks for the slot, which has none; the caller has checked that so many are free. */
  store(slot: number, tokens: Tokens, blocks: Blocks): void {
    invariant(
      this.#tokens[slot] === 0 && tokens > 0 && blocks > 0 && blocks <= this.freeBlocks,
      () =>
        `slot ${slot} wants ${blocks} of ${this.freeBlocks} host blocks and has ${this.#tokens[slot]} tokens here`,
    )
    this.#tokens[slot] = tokens
    for (let i = 0; i < blocks; i++) {
      const reused = this.#returnedCount > 0
      this.#tables.push(slot, reused ? this.#returned[--this.#returnedCount] : this.#fresh++)
    }
    if (this.usedBlocks > this.#peakBlocks) this.#peakBlocks = this.usedBlocks
  }

  /** Gives the slot's host blocks back: their KV is on the device again, or of no use any more. */
  release(slot: number): void {
    invariant(this.#tokens[slot] > 0, () => `slot ${slot} has nothing in the swap space`)
    const blocks = this.#tables.length(slot)
    const wanted = this.#returnedCount + blocks
    if (wanted > this.#returned.length) {
      this.#returned = widen(this.#returned, Math.max(wanted, this.#returned.length * 2))
    }
    for (let i = blocks - 1; i >= 0; i--) this.#returned[this.#returnedCount++] = this.#tables.at(slot, i)
    this.#tables.clear(slot)
    this.#tokens[slot] = 0
  }

  /** Recounts: every host block has one owner at most, and the counts agree. @throws {InvariantError} */
  audit(blockSize: number): void {
    const seen = new Set<number>(this.#returned.subarray(0, this.#returnedCount))
    invariant(seen.size === this.#returnedCount, () => 'a host block was given back twice')
    for (let slot = 0; slot < this.#tokens.length; slot++) {
      const tokens = this.#tokens[slot]
      const blocks = this.#tables.view(slot)
      invariant(
        blocks.length === Math.ceil(tokens / blockSize),
        () => `slot ${slot}: ${blocks.length} host blocks of ${blockSize} for ${tokens} tokens`,
      )
      for (const block of blocks) {
        invariant(!seen.has(block), () => `host block ${block} of slot ${slot} has another owner`)
        seen.add(block)
      }
    }
    invariant(
      seen.size === this.#fresh && this.#fresh <= this.capacity,
      () => `${seen.size} host blocks found, ${this.#fresh} ever taken of ${this.capacity}`,
    )
    for (const block of seen) invariant(block >= 0 && block < this.#fresh, () => `no host block ${block}`)
  }
}
