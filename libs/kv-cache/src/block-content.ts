import { invariant } from '@kvasir/kernel'
import type { HashChain } from './hash-chain.js'

/**
 * What a sequence's KV blocks contain, as far as equality matters. The cache asks for a block only when all of its tokens
 * are known, and always in ascending order along one chain.
 */
export interface BlockContent {
  /** Folds the content of block `block` (tokens `block * blockSize` up to the next block) into the chain. */
  fold(chain: HashChain, block: number, blockSize: number): void
}

const noPrefix: readonly number[] = []

/** Real token ids: the prompt, growing by what the model puts out. Whoever drives the model appends. */
export class TokenContent implements BlockContent {
  #tokens: Int32Array
  #length: number

  constructor(prompt: ArrayLike<number>, outputsExpected = 0) {
    this.#tokens = new Int32Array(prompt.length + outputsExpected)
    this.#tokens.set(prompt)
    this.#length = prompt.length
  }

  get length(): number {
    return this.#length
  }

  append(token: number): void {
    if (this.#length === this.#tokens.length) {
      const wider = new Int32Array(Math.max(16, this.#length * 2))
      wider.set(this.#tokens)
      this.#tokens = wider
    }
    this.#tokens[this.#length++] = token
  }

  /** A view of prompt and outputs; valid until the next append. */
  view(): Int32Array {
    return this.#tokens.subarray(0, this.#length)
  }

  fold(chain: HashChain, block: number, blockSize: number): void {
    const end = (block + 1) * blockSize
    invariant(end <= this.#length, () => `block ${block} ends at token ${end} of ${this.#length} known ones`)
    for (let i = block * blockSize; i < end; i++) chain.fold(this.#tokens[i])
  }
}

export interface SyntheticContentOptions {
  /** Whole number below 2^53 that no other sequence of the run shares. */
  readonly uniqueSeed: number
  /**
   * Chained ids of the prompt's leading stretches of `prefixBlockTokens` tokens: an equal id means that everything up to and
   * including the stretch is equal (the `hash_ids` of Mooncake traces are of this kind, with 512 tokens).
   */
  readonly prefixBlocks?: readonly number[]
  readonly prefixBlockTokens?: number
  /** Tokens the ids speak for: the last stretch of a prompt may be partial. All of their stretches when absent. */
  readonly prefixTokens?: number
}

/**
 * Content of a simulated sequence, without tokens: blocks within the shared prefix equal those of every sequence with the
 * same prefix id there, all others equal none. Three words a block instead of a walk over its tokens.
 */
export class SyntheticContent implements BlockContent {
  readonly #uniqueSeed: number
  readonly #prefixBlocks: readonly number[]
  readonly #prefixBlockTokens: number
  readonly #prefixTokens: number

  constructor(options: SyntheticContentOptions) {
    const { uniqueSeed, prefixBlocks = noPrefix, prefixBlockTokens = 512 } = options
    this.#prefixTokens = Math.min(options.prefixTokens ?? Infinity, prefixBlocks.length * prefixBlockTokens)
    this.#uniqueSeed = uniqueSeed
    this.#prefixBlocks = prefixBlocks
    this.#prefixBlockTokens = prefixBlockTokens
  }

  fold(chain: HashChain, block: number, blockSize: number): void {
    const last = (block + 1) * blockSize - 1
    // Ids are chained, so the id at the block's last token vouches for all of the block's tokens.
    if (last < this.#prefixTokens) {
      const stretch = Math.floor(last / this.#prefixBlockTokens)
      chain.foldNumber(this.#prefixBlocks[stretch])
      chain.fold(last - stretch * this.#prefixBlockTokens)
    } else {
      chain.foldNumber(this.#uniqueSeed)
      // Keeps a unique seed apart from an equal prefix id: no offset within a stretch is negative.
      chain.fold(-1 - block)
    }
  }
}
