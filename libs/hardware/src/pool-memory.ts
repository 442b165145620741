import type { Bundles, Bytes } from '@kvasir/kernel'
import { engineFootprint, type EngineFootprintOptions, usableBytes } from './engine-memory.js'
import { GPUS_PER_NODE, type Gpu } from './gpu.js'
import { PAGE_BYTES, PAGES_PER_BUNDLE_DEFAULT } from './kv-geometry.js'
import { type SplitRefusal, splitRefusal } from './tensor-parallel.js'

/** An engine as its group's memory sees it. */
export type PoolEngine = Omit<EngineFootprintOptions, 'tp'>

export interface PoolMemoryOptions {
  readonly gpu: Gpu
  readonly tp: number
  /** Every engine on the group, with weights that stay resident; the same model twice counts twice. */
  readonly engines: readonly PoolEngine[]
  readonly memoryUtilisation?: number
  /** In place of what the engines' steps and runtimes take. */
  readonly reserveBytesPerRank?: Bytes
  readonly pagesPerBundle?: number
}

export type PoolMemory = PoolMemoryFit | WeightsRefusal | SplitRefusal

export interface PoolMemoryFit {
  readonly kind: 'fits'
  /** Whole bundles left for KV, at least one. */
  readonly bundles: Bundles
  readonly bundleBytesPerRank: Bytes
  readonly usableBytesPerRank: Bytes
  readonly weightBytesPerRank: Bytes
  /** What is kept for steps and runtimes. */
  readonly reserveBytesPerRank: Bytes
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

/** What a TP group has left for KV: its usable memory less what each of its engines takes, in whole bundles. */
export function poolMemory(options: PoolMemoryOptions): PoolMemory {
  const { gpu, tp, engines } = options
  for (const { model } of engines) {
    const refusal = splitRefusal(model, tp)
    if (refusal !== undefined) return refusal
  }
  const footprints = engines.map((engine) => engineFootprint({ ...engine, tp }))
  const needed = footprints.map((own) => own.activationBytesPerRank + own.runtimeBytesPerRank)
  const sizes = {
    usableBytesPerRank: usableBytes(gpu, options.memoryUtilisation),
    weightBytesPerRank: sum(footprints.map((own) => own.weightBytesPerRank)),
    reserveBytesPerRank: options.reserveBytesPerRank ?? sum(needed),
    bundleBytesPerRank: (options.pagesPerBundle ?? PAGES_PER_BUNDLE_DEFAULT) * PAGE_BYTES,
  }
  const free = sizes.usableBytesPerRank - sizes.reserveBytesPerRank - sizes.weightBytesPerRank
  const bundles = Math.floor(free / sizes.bundleBytesPerRank)
  if (bundles >= 1) return { kind: 'fits', bundles, ...sizes }
  return { kind: 'refused', reason: 'weights_exceed_memory', gpu: gpu.name, tp, ...sizes }
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

/** The smallest power of two up to `tpMax` (a node) that holds the engine and at least one bundle. */
export function minimumTp(gpu: Gpu, engine: PoolEngine, tpMax = GPUS_PER_NODE): MinimumTp {
  for (let tp = 1; tp <= tpMax; tp *= 2) {
    if (poolMemory({ gpu, tp, engines: [engine] }).kind === 'fits') return { kind: 'fits', tp }
  }
  return { kind: 'refused', reason: 'model_exceeds_node', gpu: gpu.name, model: engine.model.name, tpMax }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
