import { type Bytes, unreachable } from '@kvasir/kernel'
import { FullestBundle } from './fullest-bundle.js'
import { QueueOrder } from './queue-order.js'

/** Which free block is taken next. */
export type Placement = 'queue-order' | 'fullest-bundle'

/**
 * The free blocks of a pool and the order in which they are taken. A free block is *clean*, or *cached*: it still carries
 * registered content that a lookup can bring back to life, until it is taken.
 */
export interface FreeBlocks {
  readonly size: number
  /** What its arrays take. */
  readonly bytes: Bytes
  /** A bundle's blocks join, clean, in ascending order. */
  addBundle(bundle: number): void
  /** A bundle's blocks leave; all of them are free. */
  removeBundle(bundle: number): void
  releaseClean(block: number): void
  releaseCached(block: number): void
  /** The next block to fill, or -1. */
  take(): number
  /** A cached block leaves because a sequence hit it. */
  revive(block: number): void
  /** Room for more blocks; what is there keeps its order. */
  grow(bundleCapacity: number): void
  /** Free blocks from first to last. Cold: allocates. */
  toArray(): Int32Array
}

export interface FreeBlocksShape {
  readonly blocksPerBundle: number
  readonly bundleCapacity: number
  /** Whether clean blocks go before cached ones; without prefix caching all are clean and queue in order of release. */
  readonly prefixCaching: boolean
}

export function makeFreeBlocks(placement: Placement, shape: FreeBlocksShape): FreeBlocks {
  switch (placement) {
    case 'queue-order':
      return new QueueOrder(shape)
    case 'fullest-bundle':
      return new FullestBundle(shape)
    default:
      return unreachable(placement)
  }
}
