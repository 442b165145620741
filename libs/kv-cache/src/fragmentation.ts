import type { Blocks, Bundles, Tokens } from '@kvasir/kernel'

/** KV memory that is held and cannot be used otherwise. Every number is an O(1) read. */
export interface Fragmentation {
  /** Token slots in blocks that sequences hold, shared blocks counted once for each holder. */
  readonly heldSlots: Tokens
  /** Those among them without a token: the unfilled ends of last blocks. */
  readonly unusedSlots: Tokens
  /** `unusedSlots / heldSlots`, 0 when nothing is held. */
  readonly internal: number
  readonly bundlesInUse: Bundles
  /** Free blocks within bundles of which some block is used: they cannot go to another engine. */
  readonly strandedBlocks: Blocks
  /** `strandedBlocks` / blocks of the bundles in use, 0 when none is. */
  readonly bundle: number
  /** Mapped bundles of which no block is used: another engine could have them. */
  readonly idleBundles: Bundles
  /** `idleBundles` / mapped bundles, 0 when none is. */
  readonly pool: number
}
