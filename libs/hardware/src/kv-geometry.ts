import { type Blocks, type Bytes, invariant, type Tokens } from '@kvasir/kernel'
import type { Model } from './model.js'
import { kvBytesPerTokenPerRank } from './model-size.js'
import { type SplitRefusal, splitRefusal } from './tensor-parallel.js'

/** The driver's granule of device memory (CUDA virtual memory management maps 2 MiB at a time). */
export const PAGE_BYTES = 2 * 1024 * 1024
export const PAGES_PER_BUNDLE_DEFAULT = 4

/**
 * How a model's KV blocks lie in a bundle, on each rank alike. Blocks are contiguous (all layers together) and none crosses
 * a bundle's edge, so the rest of a bundle is waste:
 *
 *   |<------------- bundleBytesPerRank ------------->|
 *   | block | block | block | block | block | waste  |
 */
export interface KvGeometry {
  readonly kind: 'fits'
  readonly blockBytesPerRank: Bytes
  readonly bundleBytesPerRank: Bytes
  readonly blocksPerBundle: Blocks
  readonly tokensPerBundle: Tokens
  readonly wasteBytesPerBundle: Bytes
}

export type KvGeometryResult = KvGeometry | BlockRefusal | SplitRefusal

export interface BlockRefusal {
  readonly kind: 'refused'
  readonly reason: 'block_exceeds_bundle'
  readonly model: string
  readonly blockBytesPerRank: Bytes
  readonly bundleBytesPerRank: Bytes
  /** What a pool would have to be started with for this model. */
  readonly pagesPerBundleNeeded: number
}

/** How blocks of `blockSize` tokens lie in bundles of `pagesPerBundle` pages (4 unless said otherwise). */
export function kvGeometry(options: {
  readonly model: Model
  readonly tp: number
  readonly blockSize: Tokens
  readonly pagesPerBundle?: number
}): KvGeometryResult {
  const { model, tp, blockSize, pagesPerBundle = PAGES_PER_BUNDLE_DEFAULT } = options
  assertCounts(blockSize, pagesPerBundle)
  const refusal = splitRefusal(model, tp)
  if (refusal !== undefined) return refusal
  const blockBytesPerRank = kvBytesPerTokenPerRank(model, tp) * blockSize
  const bundleBytesPerRank = pagesPerBundle * PAGE_BYTES
  const blocksPerBundle = Math.floor(bundleBytesPerRank / blockBytesPerRank)
  if (blocksPerBundle === 0) {
    const pagesPerBundleNeeded = pagesPerBundleFor([model], tp, blockSize)
    const reason = 'block_exceeds_bundle'
    const sizes = { blockBytesPerRank, bundleBytesPerRank, pagesPerBundleNeeded }
    return { kind: 'refused', reason, model: model.name, ...sizes }
  }
  return {
    kind: 'fits',
    blockBytesPerRank,
    bundleBytesPerRank,
    blocksPerBundle,
    tokensPerBundle: blocksPerBundle * blockSize,
    wasteBytesPerBundle: bundleBytesPerRank - blocksPerBundle * blockBytesPerRank,
  }
}

/** The smallest power of two, at least 4, whose bundle holds one block of every one of `models`. */
export function pagesPerBundleFor(models: readonly Model[], tp: number, blockSize: Tokens): number {
  const largest = Math.max(0, ...models.map((model) => kvBytesPerTokenPerRank(model, tp) * blockSize))
  let pages = PAGES_PER_BUNDLE_DEFAULT
  while (pages * PAGE_BYTES < largest) pages *= 2
  return pages
}

function assertCounts(blockSize: number, pagesPerBundle: number): void {
  const valid = Number.isInteger(blockSize) && blockSize >= 1
  invariant(valid, () => `a block of ${blockSize} tokens: whole and at least 1 is needed`)
  const pages = Number.isInteger(pagesPerBundle) && pagesPerBundle >= 1
  invariant(pages, () => `a bundle of ${pagesPerBundle} pages: whole and at least 1 is needed`)
}
