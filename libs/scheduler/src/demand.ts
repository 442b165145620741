import type { Blocks, Tokens } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'

/** Whether one of {@link countDecodes} runs. */
export function anyDecodes({ store: { tokens, computed }, running, runningCount }: Lifecycle): boolean {
  for (let i = 0; i < runningCount; i++) {
    const slot = running[i]
    if (tokens[slot] - computed[slot] <= 1) return true
  }
  return false
}

/** Running sequences that decode, or will when the step under way is done: what a plan takes counts as computed at once. */
export function countDecodes({ store: { tokens, computed }, running, runningCount }: Lifecycle): number {
  let decodes = 0
  for (let i = 0; i < runningCount; i++) {
    const slot = running[i]
    if (tokens[slot] - computed[slot] <= 1) decodes++
  }
  return decodes
}

/** Tokens to compute before all that run or wait are decoding; prefix-cache hits of waiting ones are not foreseen. */
export function prefillTokens(life: Lifecycle): Tokens {
  const { tokens, computed } = life.store
  let outstanding = life.waitingTokens
  for (let i = 0; i < life.runningCount; i++) {
    const slot = life.running[i]
    const left = tokens[slot] - computed[slot]
    if (left > 1) outstanding += left
  }
  return outstanding
}

/** Blocks in use, and those that running sequences lack for their present tokens: nobody else should have them. O(running). */
export function committedBlocks(life: Lifecycle): Blocks {
  const { tokens } = life.store
  let blocks = life.pool.usedBlocks
  for (let i = 0; i < life.runningCount; i++) {
    const slot = life.running[i]
    blocks += Math.max(0, life.blocksFor(tokens[slot]) - life.tables.length(slot))
  }
  return blocks
}

/**
 * Blocks that could be used now: those in use, what running sequences lack for their present tokens, and those of as many
 * waiting sequences as may be admitted (all taken for cache misses). O(running + sequence limit).
 */
export function demandBlocks(life: Lifecycle): Blocks {
  const { tokens } = life.store
  let blocks = committedBlocks(life)
  let room = life.config.sequenceLimit - life.runningCount
  if (life.waiting.size <= room) return blocks + life.waitingBlocks
  life.waiting.some((slot) => {
    if (room-- <= 0) return true
    blocks += life.blocksFor(tokens[slot])
    return false
  })
  return blocks
}

/** Blocks that the head of the queue lacks; 0 when it lacks none. */
export function shortageOfHead(life: Lifecycle): Blocks {
  const head = life.waiting.head()
  return head === -1 ? 0 : Math.max(0, life.blocksFor(life.store.tokens[head]) - life.pool.freeBlocks)
}

/** -Infinity when none waits. */
export function highestWaitingPriority({ waiting, store: { priority } }: Lifecycle): number {
  let highest = -Infinity
  waiting.some((slot) => {
    if (priority[slot] > highest) highest = priority[slot]
    return false
  })
  return highest
}

/** Infinity when none runs. */
export function lowestRunningPriority({ running, runningCount, store: { priority } }: Lifecycle): number {
  let lowest = Infinity
  for (let i = 0; i < runningCount; i++) lowest = Math.min(lowest, priority[running[i]])
  return lowest
}
