import { type Bundles, type Bytes, invariant } from '@kvasir/kernel'
import { GPUS_PER_NODE, type Gpu } from './gpu.js'
import { PAGE_BYTES, PAGES_PER_BUNDLE_DEFAULT } from './kv-geometry.js'
import type { Model } from './model.js'
import type { ExpertSplit } from './model-matrices.js'
import { weightBytesPerRank } from './model-size.js'
import { type SplitRefusal, splitRefusal } from './tensor-parallel.js'

/** vLLM's default share of a GPU's memory (`gpu_memory_utilization`). */
export const MEMORY_UTILISATION_DEFAULT = 0.9

/**
 * Activations, CUDA graphs and the runtime, per GPU. With it the formula below gave the KV blocks of real vLLM runs where
 * they were not published (shared/reference/simulators.md, sections 7.3 and 8: 3 to 4 GB per GPU).
 */
export const RESERVE_BYTES_PER_RANK_DEFAULT = 4e9

export interface PoolMemoryOptions {
  readonly gpu: Gpu
  readonly tp: number
  /** Every model whose weights stay resident on the group; the same model twice counts twice. */
  readonly models: readonly Model[]
  readonly memoryUtilisation?: number
  readonly reserveBytesPerRank?: Bytes
  readonly pagesPerBundle?: number
  /** How ranks share routed experts; `tensor` unless said otherwise. */
  readonly expertSplit?: ExpertSplit
}

export type PoolMemory = PoolMemoryFit | WeightsRefusal | SplitRefusal

export interface PoolMemoryFit {
  readonly kind: 'fits'
  /** Whole bundles left for KV, at least one. */
  readonly bundles: Bundles
  readonly bundleBytesPerRank: Bytes
  readonly usableBytesPerRank: Bytes
  readonly weightBytesPerRank: Bytes
}

export interface WeightsRefusal {
  readonly kind: 'refused'
  readonly reason: 'weights_exceed_memory'
  readonly gpu: string
  readonly tp: number
  readonly usableBytesPerRank: Bytes
  readonly weightBytesPerRank: Bytes
  readonly reserveBytesPerRank: Bytes
  readonly bundleBytesPerRank: Bytes
}

/** What a TP group has left for KV: usable share of memory - reserve - weights, in whole bundles. */
export function poolMemory(options: PoolMemoryOptions): PoolMemory {
  const { gpu, tp, models, expertSplit } = options
  for (const model of models) {
    const refusal = splitRefusal(model, tp)
    if (refusal !== undefined) return refusal
  }
  const sizes = {
    usableBytesPerRank: usableBytes(gpu, options.memoryUtilisation ?? MEMORY_UTILISATION_DEFAULT),
    weightBytesPerRank: models.reduce((sum, model) => sum + weightBytesPerRank(model, tp, expertSplit), 0),
    bundleBytesPerRank: (options.pagesPerBundle ?? PAGES_PER_BUNDLE_DEFAULT) * PAGE_BYTES,
  }
  const reserveBytesPerRank = options.reserveBytesPerRank ?? RESERVE_BYTES_PER_RANK_DEFAULT
  const free = sizes.usableBytesPerRank - reserveBytesPerRank - sizes.weightBytesPerRank
  const bundles = Math.floor(free / sizes.bundleBytesPerRank)
  if (bundles >= 1) return { kind: 'fits', bundles, ...sizes }
  return {
    kind: 'refused',
    reason: 'weights_exceed_memory',
    gpu: gpu.name,
    tp,
    reserveBytesPerRank,
    ...sizes,
  }
}

export type MinimumTp =
  | { readonly kind: 'fits'; readonly tp: number }
  | {
      readonly kind: 'refused'
      readonly reason: 'model_exceeds_node'
      readonly gpu: string
      readonly model: string
      readonly tpMax: number
    }

/** The smallest power of two up to `tpMax` (a node) that holds the model and at least one bundle. */
export function minimumTp(gpu: Gpu, model: Model, tpMax = GPUS_PER_NODE): MinimumTp {
  for (let tp = 1; tp <= tpMax; tp *= 2) {
    if (poolMemory({ gpu, tp, models: [model] }).kind === 'fits') return { kind: 'fits', tp }
  }
  return { kind: 'refused', reason: 'model_exceeds_node', gpu: gpu.name, model: model.name, tpMax }
}

function usableBytes(gpu: Gpu, memoryUtilisation: number): Bytes {
  const valid = memoryUtilisation > 0 && memoryUtilisation <= 1
  invariant(valid, () => `memory utilisation ${memoryUtilisation}: above 0 and at most 1 is needed`)
  return Math.floor(gpu.memoryBytes * memoryUtilisation)
}
