import { divideMemory, type MemoryRound } from './memory-round.js'
import type { RoundInput } from './round-input.js'
import { divideTokens, type TokenRound } from './token-round.js'

/** What a round decides: budgets of tokens, entitlements to memory, and moves of memory that nobody uses. */
export interface RoundAnswer {
  readonly tokens: TokenRound
  readonly memory: MemoryRound
}

/** Decides one round. Pure: the same input gives the same answer, now and from the log. */
export function decideRound(input: RoundInput): RoundAnswer {
  return { tokens: divideTokens(input), memory: divideMemory(input) }
}
