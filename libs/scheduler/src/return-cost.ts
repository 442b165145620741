import type { Blocks, Micros, Tokens } from '@kvasir/kernel'
import type { Lifecycle } from './lifecycle.js'

/**
 * What becomes of a stopped sequence's KV.
 *
 * - `recompute`: it is dropped, and prefilled again later (recorded).
 * - `swap`: it is copied to host memory, and back later.
 * - `cheapest`: whichever of the two takes less time by the cost model.
 *
 * Where host memory has no room for all of it, it is dropped.
 */
export type PreemptionMethod = 'recompute' | 'swap' | 'cheapest'

/** Whether the KV of a running sequence would go to host memory if it were stopped now. */
export function goesToHost(life: Lifecycle, slot: number): boolean {
  return tokensGoToHost(life, life.store.computed[slot])
}

/**
 * What it costs to bring a running sequence back if it alone were stopped now. Of several together each is taken to find the host
 * memory that is free now; those that don't will cost what computing them again does.
 */
export function returnCostUs(life: Lifecycle, slot: number): Micros {
  return returnCostOfTokensUs(life, life.store.computed[slot])
}

/**
 * The same for a sequence that holds so many blocks, the last one taken for full: whole, changing only with the number of blocks,
 * and never below the true cost.
 */
export function heldCostUs(life: Lifecycle, blocks: Blocks): Micros {
  return Math.ceil(returnCostOfTokensUs(life, blocks * life.blockSize))
}

function returnCostOfTokensUs(life: Lifecycle, tokens: Tokens): Micros {
  return tokensGoToHost(life, tokens)
    ? life.costs.swapUs(life.blocksFor(tokens))
    : life.costs.recomputeUs(tokens)
}

function tokensGoToHost(life: Lifecycle, tokens: Tokens): boolean {
  const { preemption } = life.config
  if (preemption === 'recompute') return false
  const blocks = life.blocksFor(tokens)
  if (blocks === 0 || blocks > life.swap.freeBlocks) return false
  return preemption === 'swap' || life.costs.swapUs(blocks) < life.costs.recomputeUs(tokens)
}
