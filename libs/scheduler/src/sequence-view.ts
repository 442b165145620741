import type { Blocks, Micros, Tokens } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'
import type { SequenceInput } from './sequence-input.js'
import { SLOT_ENDED, SLOT_RUNNING } from './sequence-store.js'

/** A snapshot of one sequence. */
export interface SequenceView {
  readonly id: string
  readonly input: SequenceInput
  /** Swapped: it waits, with its KV in host memory. */
  readonly state: 'waiting' | 'swapped' | 'running' | 'ended'
  readonly promptTokens: Tokens
  readonly outputTokens: Tokens
  /** Tokens whose KV exists, or will after the step in flight. */
  readonly computed: Tokens
  readonly blocks: Blocks
  readonly priority: number
  readonly arrivalUs: Micros
  /** When it last began to run; 0 before. */
  readonly admittedUs: Micros
  readonly preemptions: number
  /** Tokens found in the prefix cache, summed over its admissions. */
  readonly hitTokens: Tokens
  /** Tokens computed again because a preemption threw them away and the cache did not keep them. */
  readonly recomputedTokens: Tokens
  /** Tokens that came back from host memory and were not computed again. */
  readonly restoredTokens: Tokens
  /** Tokens whose KV its last preemption threw away, until it runs again. */
  readonly lostTokens: Tokens
  /** Tokens whose KV lies in host memory. */
  readonly swappedTokens: Tokens
}

export function viewSequence({ store, tables, swap }: Lifecycle, slot: number): SequenceView {
  const input = store.input(slot)
  const swappedTokens = swap.tokens(slot)
  return {
    id: input.id,
    input,
    state: stateOf(store.state[slot], swappedTokens),
    promptTokens: store.promptTokens[slot],
    outputTokens: store.tokens[slot] - store.promptTokens[slot],
    computed: store.computed[slot],
    blocks: tables.length(slot),
    priority: store.priority[slot],
    arrivalUs: store.arrivalUs[slot],
    admittedUs: store.admittedUs[slot],
    preemptions: store.preemptions[slot],
    hitTokens: store.hitTokens[slot],
    recomputedTokens: store.recomputedTokens[slot],
    restoredTokens: store.restoredTokens[slot],
    lostTokens: Math.max(0, store.lost[slot] - swappedTokens),
    swappedTokens,
  }
}

function stateOf(state: number, swappedTokens: Tokens): SequenceView['state'] {
  if (state === SLOT_RUNNING) return 'running'
  if (state === SLOT_ENDED) return 'ended'
  return swappedTokens > 0 ? 'swapped' : 'waiting'
}
