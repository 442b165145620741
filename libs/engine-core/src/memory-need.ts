import type { EngineDocument } from '@kvasir/contracts'
import type { Blocks, Bundles, Micros } from '@kvasir/kernel'
import type { BlockPool } from '@kvasir/kv-cache'
import type { Scheduler } from '@kvasir/scheduler'

/** What an engine asks the owner of its pool for. */
export interface MemoryNeed {
  readonly bundles: Bundles
  /** Fewer are of no use. */
  readonly minBundles: Bundles
  readonly priority: number
}

interface Tenancy {
  readonly scheduler: Scheduler
  readonly pool: BlockPool
}

/**
 * Bundles worth mapping before the next step, so that it neither stops a sequence nor forgets cached content while the lease
 * has room. Usually answered by two comparisons: every running sequence may need one block, and nobody waits.
 */
export function bundlesToMap(scheduler: Scheduler, pool: BlockPool): Bundles {
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
  { scheduler, pool }: Tenancy,
  lease: { readonly bundles: Bundles },
  pace: { readonly stepUs: Micros; readonly leadUs: Micros },
): Blocks {
  const growth = Math.ceil(((scheduler.runningCount / pool.blockSize) * pace.leadUs) / pace.stepUs)
  const mappable = Math.max(0, lease.bundles - pool.bundles) * pool.blocksPerBundle
  return growth - pool.freeBlocks - mappable
}

/**
 * What to ask for when the step just planned lacked `shortageBlocks` to take what waits or keep what runs, and decoding is about
 * to lack `growthBlocks`; undefined when nothing is lacking, or the limit leaves no room for the least that would help.
 */
export function memoryNeed(
  { scheduler, pool }: Tenancy,
  lease: { readonly bundles: Bundles; readonly document: EngineDocument },
  lack: { readonly shortageBlocks: Blocks; readonly growthBlocks: Blocks },
): MemoryNeed | undefined {
  const { blocksPerBundle } = pool
  const short = lack.shortageBlocks > 0
  const least = short ? Math.ceil(lack.shortageBlocks / blocksPerBundle) : 1
  const room = lease.document.limitBundles - lease.bundles
  if ((!short && lack.growthBlocks <= 0) || room < least) return undefined
  const queued = Math.ceil(scheduler.demandBlocks() / blocksPerBundle) - lease.bundles
  const wanted = Math.max(least, queued, Math.ceil(lack.growthBlocks / blocksPerBundle))
  return { bundles: Math.min(room, wanted), minBundles: least, priority: priorityOfNeed(scheduler, short) }
}

/** What waits asks with its own priority; what runs with the lowest of it, so that growing never evicts its better. */
function priorityOfNeed(scheduler: Scheduler, short: boolean): number {
  const waiting = short ? scheduler.highestWaitingPriority() : -Infinity
  return waiting === -Infinity ? scheduler.lowestRunningPriority() : waiting
}
