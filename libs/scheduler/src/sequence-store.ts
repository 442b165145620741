import { invariant } from '@kvasir/kernel'
import type { BlockContent } from '@kvasir/kv-cache'
import type { SequenceInput } from './sequence-input.js'

export const SLOT_FREE = 0
export const SLOT_WAITING = 1
export const SLOT_RUNNING = 2
/** Finished or aborted; readable until the next plan. */
export const SLOT_ENDED = 3

/**
 * State of all sequences, struct of arrays by slot. Slots are handed out lowest first and reused. The arrays are replaced when
 * the store grows: keep them in locals only while nothing is submitted.
 */
export class SequenceStore {
  state = new Uint8Array(0)
  /** Tokens known: prompt and outputs. */
  tokens = new Int32Array(0)
  promptTokens = new Int32Array(0)
  /** Tokens whose KV exists, or will when the step in flight is done. */
  computed = new Int32Array(0)
  /** Tokens at which the sequence is finished for its length. */
  tokenLimit = new Int32Array(0)
  /**
   * The computed count at which a running sequence needs more than counting: a new block, or a full one registered.
   * One comparison in the hot loop answers both.
   */
  attentionAt = new Int32Array(0)
  /** Computed tokens it had when it was last preempted: what a resume has to bring back. */
  lost = new Int32Array(0)
  /** Leading tokens that its last admission found in the cache. */
  found = new Int32Array(0)
  preemptions = new Int32Array(0)
  hitTokens = new Int32Array(0)
  recomputedTokens = new Int32Array(0)
  /** Tokens brought back from host memory, over all its returns. */
  restoredTokens = new Int32Array(0)
  priority = new Float64Array(0)
  arrivalUs = new Float64Array(0)
  admittedUs = new Float64Array(0)
  readonly contents: (BlockContent | undefined)[] = []
  /** What never changes, for cold paths. */
  readonly inputs: (SequenceInput | undefined)[] = []
  readonly #freeSlots: number[] = []
  #ended: number[] = []

  get capacity(): number {
    return this.state.length
  }

  input(slot: number): SequenceInput {
    const input = this.inputs[slot]
    invariant(input !== undefined, () => `slot ${slot} holds no sequence`)
    return input
  }

  content(slot: number): BlockContent {
    const content = this.contents[slot]
    invariant(content !== undefined, () => `slot ${slot} holds no sequence`)
    return content
  }

  /** Takes a slot for a new, waiting sequence. */
  add(input: SequenceInput, tokenLimit: number): number {
    if (this.#freeSlots.length === 0) this.#grow()
    const slot = this.#freeSlots.pop() as number
    this.inputs[slot] = input
    this.contents[slot] = input.content
    this.state[slot] = SLOT_WAITING
    this.tokens[slot] = input.promptTokens
    this.promptTokens[slot] = input.promptTokens
    this.computed[slot] = 0
    this.tokenLimit[slot] = tokenLimit
    this.attentionAt[slot] = 0
    this.lost[slot] = 0
    this.found[slot] = 0
    this.preemptions[slot] = 0
    this.hitTokens[slot] = 0
    this.recomputedTokens[slot] = 0
    this.restoredTokens[slot] = 0
    this.priority[slot] = input.priority
    this.arrivalUs[slot] = input.arrivalUs
    this.admittedUs[slot] = 0
    return slot
  }

  /** The sequence is over; its slot stays readable until {@link recycle}. */
  end(slot: number): void {
    this.state[slot] = SLOT_ENDED
    this.#ended.push(slot)
  }

  /** Sequences that are over, and whose slots are not free yet. */
  get endedCount(): number {
    return this.#ended.length
  }

  /** Frees the slots of ended sequences, or of so many that ended first. */
  recycle(count = this.#ended.length): void {
    // Setting a length is a call into the runtime, and most steps end nothing.
    if (count === 0) return
    for (let i = count - 1; i >= 0; i--) {
      const slot = this.#ended[i]
      this.state[slot] = SLOT_FREE
      this.inputs[slot] = undefined
      this.contents[slot] = undefined
      this.#freeSlots.push(slot)
    }
    if (count === this.#ended.length) this.#ended.length = 0
    else this.#ended.splice(0, count)
  }

  #grow(): void {
    const before = this.capacity
    const capacity = Math.max(64, before * 2)
    const state = new Uint8Array(capacity)
    state.set(this.state)
    this.state = state
    this.tokens = ints(this.tokens, capacity)
    this.promptTokens = ints(this.promptTokens, capacity)
    this.computed = ints(this.computed, capacity)
    this.tokenLimit = ints(this.tokenLimit, capacity)
    this.attentionAt = ints(this.attentionAt, capacity)
    this.lost = ints(this.lost, capacity)
    this.found = ints(this.found, capacity)
    this.preemptions = ints(this.preemptions, capacity)
    this.hitTokens = ints(this.hitTokens, capacity)
    this.recomputedTokens = ints(this.recomputedTokens, capacity)
    this.restoredTokens = ints(this.restoredTokens, capacity)
    this.priority = floats(this.priority, capacity)
    this.arrivalUs = floats(this.arrivalUs, capacity)
    this.admittedUs = floats(this.admittedUs, capacity)
    // Upwards: an array that is first written far behind its end becomes a slow one.
    for (let slot = before; slot < capacity; slot++) {
      this.inputs.push(undefined)
      this.contents.push(undefined)
    }
    for (let slot = capacity - 1; slot >= before; slot--) this.#freeSlots.push(slot)
  }
}

function ints(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length)
  wider.set(values)
  return wider
}

function floats(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const wider = new Float64Array(length)
  wider.set(values)
  return wider
}
