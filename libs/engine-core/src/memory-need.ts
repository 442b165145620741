import type { BlockPool } from '@kvasir/kv-cache'
import type { Scheduler } from '@kvasir/scheduler'

/**
 * Bundles worth mapping before the next step, so that it neither stops a sequence nor forgets cached content while the lease
 * has room. Usually answered by two comparisons: every running sequence may need one block, and nobody waits.
 */
export function bundlesToMap(scheduler: Scheduler, pool: BlockPool): number {
  const clean = pool.freeBlocks - pool.cachedFreeBlocks
  if (scheduler.waitingCount === 0 && clean >= scheduler.runningCount) return 0
  const wanted = scheduler.demandBlocks() + scheduler.runningCount - pool.usedBlocks - clean
  return wanted > 0 ? Math.ceil(wanted / pool.blocksPerBundle) : 0
}
