import type { BlockCopies } from '@kvasir/contracts'
import { invariant, mix32 } from '@kvasir/kernel'

/** What lies in memory that changed hands: no KV, so that whoever reads it is found out. */
const POISON = 0x7f7f7f7f

/** How one engine divides the bundles it has mapped. */
export interface BlockLayout {
  readonly blockSize: number
  readonly blocksPerBundle: number
}

/** One planned sequence of a step, as it was when the step was sent to the device. */
export interface StepEntry {
  readonly slot: number
  readonly tokens: Int32Array
  readonly table: Int32Array
  readonly computed: number
  readonly count: number
}

/** The KV of a token, four bytes: it depends on the token, its place and all KV before it. */
function kvOf(token: number, position: number, before: number): number {
  return mix32(Math.imul(before, 0x9e3779b1) ^ Math.imul(token + 1, 0x85ebca6b) ^ position) | 0
}

/** The most likely next token: what "attention" reads is all of the sequence's KV. */
function tokenAfter(attended: number): number {
  return (attended >>> 0) % 97
}

/** What greedy decoding gives for a prompt alone in an endless memory. */
export function outputsAlone(prompt: ArrayLike<number>, count: number): number[] {
  const outputs: number[] = []
  let before = 0
  let attended = 0
  for (let i = 0; outputs.length < count; i++) {
    before = kvOf(i < prompt.length ? prompt[i] : outputs[i - prompt.length], i, before)
    attended = (Math.imul(attended, 31) + before) | 0
    if (i >= prompt.length - 1) outputs.push(tokenAfter(attended))
  }
  return outputs
}

/**
 * The memory of a TP group, byte for byte, as the smallest model there is uses it: one word of KV a token. It computes from nothing
 * but what lies there, so a copy that is left out, comes too late, or goes to the wrong place changes tokens.
 */
export class ByteMemory {
  readonly #words: Int32Array
  readonly #bundleWords: number

  constructor(bundles: number, bundleTokens: number) {
    this.#bundleWords = bundleTokens
    this.#words = new Int32Array(bundles * bundleTokens).fill(POISON)
  }

  /** The bundles are anybody's now. */
  poison(bundles: readonly number[]): void {
    for (const id of bundles) this.#words.fill(POISON, id * this.#bundleWords, (id + 1) * this.#bundleWords)
  }

  /** Outs, then ins, between an engine's blocks and its host memory. */
  copy(
    { outCount, outs, inCount, ins }: BlockCopies,
    layout: BlockLayout,
    host: Map<number, Int32Array>,
  ): void {
    for (let k = 0; k < outCount; k++) host.set(outs[2 * k + 1], this.#block(outs[2 * k], layout).slice())
    for (let k = 0; k < inCount; k++) {
      const saved = host.get(ins[2 * k + 1])
      invariant(saved !== undefined, () => `host block ${ins[2 * k + 1]} was never written`)
      this.#block(ins[2 * k], layout).set(saved)
    }
  }

  /** The step's arithmetic: writes the KV of its tokens; answers the next token of each sequence that is computed to its end. */
  compute(entries: readonly StepEntry[], layout: BlockLayout): Map<number, number> {
    for (const entry of entries) this.#write(entry, layout)
    const next = new Map<number, number>()
    for (const entry of entries) {
      const end = entry.computed + entry.count
      if (end < entry.tokens.length) continue
      let attended = 0
      for (let i = 0; i < end; i++)
        attended = (Math.imul(attended, 31) + this.#read(entry.table, i, layout)) | 0
      next.set(entry.slot, tokenAfter(attended))
    }
    return next
  }

  #write({ tokens, table, computed, count }: StepEntry, layout: BlockLayout): void {
    const { blockSize } = layout
    for (let i = computed; i < computed + count; i++) {
      const before = i === 0 ? 0 : this.#read(table, i - 1, layout)
      this.#block(table[Math.floor(i / blockSize)], layout)[i % blockSize] = kvOf(tokens[i], i, before)
    }
  }

  #read(table: Int32Array, position: number, layout: BlockLayout): number {
    return this.#block(table[Math.floor(position / layout.blockSize)], layout)[position % layout.blockSize]
  }

  #block(block: number, { blockSize, blocksPerBundle }: BlockLayout): Int32Array {
    const bundle = Math.floor(block / blocksPerBundle)
    const start = bundle * this.#bundleWords + (block % blocksPerBundle) * blockSize
    return this.#words.subarray(start, start + blockSize)
  }
}
