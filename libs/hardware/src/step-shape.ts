import type { StepShape } from '@kvasir/contracts'
import { invariant, type Tokens } from '@kvasir/kernel'

export type { StepShape }

export const emptyShape: StepShape = {
  sequences: 0,
  totalTokens: 0,
  decodeSequences: 0,
  decodeContextTokens: 0,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
}

/** One chunk of `tokens` prompt tokens after `computedTokens` that are already in the cache. */
export function prefillShape(chunk: {
  readonly tokens: Tokens
  readonly computedTokens?: Tokens
}): StepShape {
  const { tokens, computedTokens = 0 } = chunk
  invariant(tokens >= 0 && computedTokens >= 0, () => `a chunk of ${tokens} tokens after ${computedTokens}`)
  if (tokens === 0) return emptyShape
  return {
    sequences: 1,
    totalTokens: tokens,
    decodeSequences: 0,
    decodeContextTokens: 0,
    prefillTokens: tokens,
    prefillContextTokens: computedTokens + tokens,
    prefillPairs: tokens * computedTokens + (tokens * (tokens + 1)) / 2,
  }
}

/** One token for each of `sequences`, each reading `contextTokens`. */
export function decodeShape(batch: {
  readonly sequences: number
  readonly contextTokens: Tokens
}): StepShape {
  const { sequences, contextTokens } = batch
  const decodeContextTokens = sequences * contextTokens
  return { ...emptyShape, sequences, totalTokens: sequences, decodeSequences: sequences, decodeContextTokens }
}

/** Both in one pass. */
export function combineShapes(a: StepShape, b: StepShape): StepShape {
  return {
    sequences: a.sequences + b.sequences,
    totalTokens: a.totalTokens + b.totalTokens,
    decodeSequences: a.decodeSequences + b.decodeSequences,
    decodeContextTokens: a.decodeContextTokens + b.decodeContextTokens,
    prefillTokens: a.prefillTokens + b.prefillTokens,
    prefillContextTokens: a.prefillContextTokens + b.prefillContextTokens,
    prefillPairs: a.prefillPairs + b.prefillPairs,
  }
}
