import type { BlockCopies } from '@kvasir/contracts'
import type { Tokens } from '@kvasir/kernel'
import { CopyBuffer } from './copy-buffer.js'

/**
 * Kinds of a planned sequence: it ran already, is admitted for the first time, comes back after a preemption, or comes back with KV
 * that this step copies from host memory.
 */
export const KIND_RUNNING = 0
export const KIND_NEW = 1
export const KIND_RESUMED = 2
export const KIND_RESTORED = 3

/**
 * One step of an engine: which sequences compute how many tokens. Entry k of `slots`, `tokens`, `computed` and `kinds` belongs
 * together; running sequences come first in their order of admission, then the admissions of this step. The arrays are longer
 * than `count` and reused: valid until the next plan.
 */
export interface StepPlan {
  readonly count: number
  readonly slots: Int32Array
  /** Tokens computed in this step. */
  readonly tokens: Int32Array
  /** Tokens computed before it; for an admission those found in the prefix cache or in host memory. */
  readonly computed: Int32Array
  readonly kinds: Uint8Array
  readonly preemptedCount: number
  /** Slots in the order of preemption. */
  readonly preempted: Int32Array
  /** What the device copies before it computes: KV of the preempted to host memory, then KV of those that come back from there. */
  readonly copies: BlockCopies
  readonly totalTokens: Tokens

  // What a cost model wants to know of the step.

  /** = count */
  readonly sequences: number
  /** Sequences that compute exactly one token (a decode, or a chunk that costs the same), and the tokens they attend to. */
  readonly decodeSequences: number
  readonly decodeContextTokens: Tokens
  /** Tokens of the other sequences, and what they attend to: per chunk the last token's context, and per token summed. */
  readonly prefillTokens: Tokens
  readonly prefillContextTokens: Tokens
  readonly prefillPairs: number
}

/** The scheduler's own plan. Buffers double when a longer plan comes. */
export class PlanBuffer implements StepPlan {
  count = 0
  slots = new Int32Array(64)
  tokens = new Int32Array(64)
  computed = new Int32Array(64)
  kinds = new Uint8Array(64)
  preemptedCount = 0
  preempted = new Int32Array(64)
  readonly copies = new CopyBuffer()
  totalTokens = 0
  decodeSequences = 0
  decodeContextTokens = 0
  prefillTokens = 0
  prefillContextTokens = 0
  prefillPairs = 0

  get sequences(): number {
    return this.count
  }

  /** Room for as many entries as sequences run. */
  ensure(capacity: number): void {
    if (capacity <= this.slots.length) return
    const length = Math.max(capacity, this.slots.length * 2)
    const slots = new Int32Array(length)
    slots.set(this.slots)
    this.slots = slots
    const tokens = new Int32Array(length)
    tokens.set(this.tokens)
    this.tokens = tokens
    const computed = new Int32Array(length)
    computed.set(this.computed)
    this.computed = computed
    const kinds = new Uint8Array(length)
    kinds.set(this.kinds)
    this.kinds = kinds
    const preempted = new Int32Array(length)
    preempted.set(this.preempted)
    this.preempted = preempted
  }

  add(slot: number, tokens: Tokens, computed: Tokens, kind: number): void {
    const k = this.count++
    this.slots[k] = slot
    this.tokens[k] = tokens
    this.computed[k] = computed
    this.kinds[k] = kind
  }

  /** Starts a new plan, with room for what runs. */
  reset(running: number): void {
    this.ensure(running)
    this.count = 0
    this.preemptedCount = 0
    this.copies.reset()
  }

  addPreempted(slot: number): void {
    // A sequence is stopped at most once a step, and only what ran when it began.
    this.preempted[this.preemptedCount++] = slot
  }

  /** The entry of a slot, or -1. */
  find(slot: number): number {
    for (let k = 0; k < this.count; k++) if (this.slots[k] === slot) return k
    return -1
  }

  /** Takes an entry back, keeping the order of the others. */
  removeAt(k: number): void {
    this.slots.copyWithin(k, k + 1, this.count)
    this.tokens.copyWithin(k, k + 1, this.count)
    this.computed.copyWithin(k, k + 1, this.count)
    this.kinds.copyWithin(k, k + 1, this.count)
    this.count--
  }

  /** Sums up the entries for the cost model. Hot path. */
  summarise(): void {
    const { tokens, computed, count } = this
    let total = 0
    let decodes = 0
    let decodeContext = 0
    let prefillContext = 0
    let pairs = 0
    for (let k = 0; k < count; k++) {
      const n = tokens[k]
      total += n
      if (n === 1) {
        decodes++
        decodeContext += computed[k] + 1
      } else {
        prefillContext += computed[k] + n
        pairs += n * computed[k] + (n * (n + 1)) / 2
      }
    }
    this.totalTokens = total
    this.decodeSequences = decodes
    this.decodeContextTokens = decodeContext
    this.prefillTokens = total - decodes
    this.prefillContextTokens = prefillContext
    this.prefillPairs = pairs
  }
}
