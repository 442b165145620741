import {
  type ExpertSharing,
  kvGeometry,
  type Model,
  pagesPerBundleFor,
  type PoolEngine,
  poolMemory,
  type PoolMemory,
  type PoolMemoryFit,
} from '@kvasir/hardware'
import { type Bytes, invariant } from '@kvasir/kernel'
import type { TpGroup } from './groups.js'

/** A model to be placed, with what its memory depends on. */
export interface PlacedModel {
  readonly name: string
  readonly model: Model
  readonly blockSize: number
  /** Of one step, most. */
  readonly stepTokenLimit: number
  readonly sequenceLimit: number
  /** KV blocks as the user gives them, in place of what fits; for a model alone on its group. */
  readonly blocks: number | undefined
  /** With whom it shares its experts; engines that compute in lock step have their groups for themselves. */
  readonly sharing: ExpertSharing
}

/** How much of every GPU is for what; members left out have their defaults. */
export interface MemorySplit {
  readonly memoryUtilisation?: number
  readonly reserveBytesPerRank?: Bytes
  /** Of every pool, in place of the fewest that hold a block of each of its models. */
  readonly pagesPerBundle?: number
}

/** A TP group while models are being put on it. */
export class PoolDraft {
  readonly group: TpGroup
  readonly #split: MemorySplit
  #placed: PlacedModel[] = []

  constructor(group: TpGroup, split: MemorySplit) {
    this.group = group
    this.#split = split
  }

  get placed(): readonly PlacedModel[] {
    return this.#placed
  }

  serves(name: string): boolean {
    return this.#placed.some((placed) => placed.name === name)
  }

  place(model: PlacedModel): void {
    this.#placed.push(model)
  }

  pagesPerBundle(extra: readonly PlacedModel[] = []): number {
    if (this.#split.pagesPerBundle !== undefined) return this.#split.pagesPerBundle
    const pages = [...this.#placed, ...extra].map(({ model, blockSize }) =>
      pagesPerBundleFor([model], this.group.tp, blockSize),
    )
    return pages.length === 0 ? pagesPerBundleFor([], this.group.tp, 1) : Math.max(...pages)
  }

  /** What would be left for KV with `extra` beside what is placed already. */
  memoryWith(extra: readonly PlacedModel[] = []): PoolMemory {
    const placed = [...this.#placed, ...extra]
    const memory = poolMemory({
      gpu: this.group.gpu,
      tp: this.group.tp,
      engines: placed.map(poolEngine),
      ...this.#split,
      pagesPerBundle: this.pagesPerBundle(extra),
    })
    return placed.length === 1 ? this.#asGiven(memory, placed[0]) : memory
  }

  /** Who gives a number of blocks has seen it fit. */
  #asGiven(memory: PoolMemory, { model, blockSize, blocks }: PlacedModel): PoolMemory {
    if (blocks === undefined || (memory.kind === 'refused' && memory.reason !== 'weights_exceed_memory'))
      return memory
    const pagesPerBundle = this.#split.pagesPerBundle ?? pagesPerBundleFor([model], this.group.tp, blockSize)
    const geometry = kvGeometry({ model, tp: this.group.tp, blockSize, pagesPerBundle })
    invariant(geometry.kind === 'fits', () => `no block of ${model.name} fits into a bundle made for it`)
    const { usableBytesPerRank, weightBytesPerRank, reserveBytesPerRank, bundleBytesPerRank } = memory
    const bundles = Math.max(1, Math.floor(blocks / geometry.blocksPerBundle))
    return {
      kind: 'fits',
      bundles,
      usableBytesPerRank,
      weightBytesPerRank,
      reserveBytesPerRank,
      bundleBytesPerRank,
    }
  }

  /** Bytes left for KV on all ranks together with `extra`; undefined when it does not fit. */
  kvBytesWith(extra: readonly PlacedModel[] = []): number | undefined {
    const memory = this.memoryWith(extra)
    return memory.kind === 'fits' ? memory.bundles * memory.bundleBytesPerRank * this.group.tp : undefined
  }

  /** Bytes for KV if no model were placed. */
  emptyKvBytes(): number {
    return new PoolDraft(this.group, this.#split).kvBytesWith() ?? 0
  }

  /** The memory of a pool that is known to hold what it was given. */
  memory(): PoolMemoryFit {
    const memory = this.memoryWith()
    invariant(memory.kind === 'fits', () => `pool ${this.group.id} does not hold what was placed on it`)
    return memory
  }
}

/** A placed model as its group's memory sees it. */
export function poolEngine({ model, stepTokenLimit, sequenceLimit, sharing }: PlacedModel): PoolEngine {
  return { model, stepTokenLimit, sequenceLimit, ...sharing }
}
