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

/**
 * Blocks that decoding will take within `leadUs` beyond what is free or may still be mapped: asked for ahead, so that no
 * sequence has to be stopped while the answer is under way. 0 or less when there is room.
 */
export function growthShortage(
  { scheduler, pool }: { readonly scheduler: Scheduler; readonly pool: BlockPool },
  lease: { readonly bundles: number },
  pace: { readonly stepUs: number; readonly leadUs: number },
): number {
  const growth = Math.ceil(((scheduler.runningCount / pool.blockSize) * pace.leadUs) / pace.stepUs)
  const mappable = Math.max(0, lease.bundles - pool.bundles) * pool.blocksPerBundle
  return growth - pool.freeBlocks - mappable
}
