import { type AttentionLayer, decodeLayerUs, type PrefillSums, prefillLayerUs } from './attention-layer.js'
import type { Dtype } from './dtype.js'
import type { ExpertLayer, WeightMatrix } from './model-matrices.js'
import { type ExpertChoice, ExpertRatios } from './profile/expert-ratios.js'
import type { AttentionProfile, KernelProfile } from './profile/kernel-profile.js'
import { RatioGrid } from './profile/ratio-grid.js'
import { allReduceUs, exchangeUs, expertsUs, productUs, type Rank } from './rank-rates.js'
import { smallKernelsUs } from './small-kernels.js'

/** Microseconds of each kind of kernel on one rank. Slow; `step-cost.ts` tabulates what it needs. */
export interface Kernels {
  readonly rank: Rank
  productUs(matrix: WeightMatrix, tokens: number): number
  /** Routed experts of one layer over the group's tokens. */
  expertsUs(layer: ExpertLayer, tokens: number): number
  /** One layer, one token for each of `sequences`, which read `contextTokens` together. */
  decodeUs(
    layer: AttentionLayer,
    batch: { readonly sequences: number; readonly contextTokens: number },
  ): number
  /** One layer, all chunks of a step. */
  prefillUs(layer: AttentionLayer, sums: PrefillSums): number
  /** Whether `prefillUs` is linear in the sums; if not, it depends on tokens and pairs alone. */
  prefillIsLinear(layer: AttentionLayer): boolean
  allReduceUs(bytes: number): number
  /** One way of the experts' exchange between the groups that share them; `bytes` are of all groups together. */
  exchangeUs(bytes: number): number
  /** Norms, rotary positions, activation and cache write of one layer, which move `bytes` together. */
  smallKernelsUs(bytes: number): number
}

/** By closed forms alone. */
export class RooflineKernels implements Kernels {
  readonly rank: Rank

  constructor(rank: Rank) {
    this.rank = rank
  }

  productUs(matrix: WeightMatrix, tokens: number): number {
    return productUs(this.rank, matrix, tokens)
  }

  expertsUs(layer: ExpertLayer, tokens: number): number {
    return expertsUs(this.rank, layer, tokens)
  }

  decodeUs(layer: AttentionLayer, batch: { sequences: number; contextTokens: number }): number {
    return decodeLayerUs(this.rank, layer, batch)
  }

  prefillUs(layer: AttentionLayer, sums: PrefillSums): number {
    return prefillLayerUs(this.rank, layer, sums)
  }

  prefillIsLinear(): boolean {
    return true
  }

  allReduceUs(bytes: number): number {
    return allReduceUs(this.rank, bytes)
  }

  exchangeUs(bytes: number): number {
    return exchangeUs(this.rank, bytes)
  }

  smallKernelsUs(bytes: number): number {
    return smallKernelsUs(this.rank, bytes)
  }
}

/**
 * The roofline times what a profile measured over it. On the profile's own GPU that is the measurement; on another one it
 * carries over what the roofline has no term for (simulators.md, section 8).
 */
export class ProfiledKernels implements Kernels {
  readonly rank: Rank
  readonly #roofline: RooflineKernels
  readonly #products: ReadonlyMap<Dtype, RatioGrid>
  readonly #decode: AttentionGrids
  readonly #prefill: AttentionGrids
  readonly #experts: ExpertRatios
  readonly #allReduce: RatioGrid | undefined
  readonly #smallKernels: RatioGrid | undefined

  constructor(rank: Rank, profile: KernelProfile, experts: ExpertChoice) {
    this.rank = rank
    this.#roofline = new RooflineKernels(rank)
    this.#products = new Map(profile.products.map(({ dtype, table }) => [dtype, RatioGrid.of(table)]))
    this.#decode = new AttentionGrids(profile.decodeAttention)
    this.#prefill = new AttentionGrids(profile.prefillAttention)
    this.#experts = new ExpertRatios(profile.experts, experts)
    const group = profile.allReduce.find((entry) => entry.gpus >= rank.tp) ?? profile.allReduce.at(-1)
    this.#allReduce = group === undefined ? undefined : RatioGrid.of(group.table)
  }

  productUs(matrix: WeightMatrix, tokens: number): number {
    const dtype = matrix.dtype === 'fp16' ? 'bf16' : matrix.dtype
    const ratio = this.#products.get(dtype)?.at(matrix.outputs, matrix.inputs, tokens) ?? 1
    return this.#roofline.productUs(matrix, tokens) * ratio
  }

  expertsUs(layer: ExpertLayer, tokens: number): number {
    return this.#roofline.expertsUs(layer, tokens) * this.#experts.at(layer, tokens)
  }

  decodeUs(layer: AttentionLayer, batch: { sequences: number; contextTokens: number }): number {
    const { sequences, contextTokens } = batch
    const grid = this.#decode.of(layer)
    const ratio =
      grid?.at(layer.queryHeads, layer.kvHeads, sequences, Math.max(1, contextTokens / sequences)) ?? 1
    return this.#roofline.decodeUs(layer, batch) * ratio
  }

  /**
   * Profiles are of prompts from their first token. Chunks that see as many pairs as so many such prompts of the same tokens
   * take their time. Where that is less than one prompt, it is a chunk of one, and takes what the whole prompt takes more
   * than the part before it (profiles/README.md: "T(k + c) - T(k) + T0").
   */
  prefillUs(layer: AttentionLayer, sums: PrefillSums): number {
    const grid = this.#prefill.of(layer)
    if (grid === undefined) return this.#roofline.prefillUs(layer, sums)
    const { tokens, pairs } = sums
    const length = Math.max(1, (2 * pairs) / tokens - 1)
    if (length <= tokens) return this.#promptsUs(grid, layer, tokens / length, length)
    const earlier = (length - tokens) / 2
    const all = this.#promptsUs(grid, layer, 1, earlier + tokens)
    return all - this.#promptsUs(grid, layer, 1, earlier) + this.#promptsUs(grid, layer, 1, 1)
  }

  prefillIsLinear(layer: AttentionLayer): boolean {
    return this.#prefill.of(layer) === undefined
  }

  #promptsUs(grid: RatioGrid, layer: AttentionLayer, prompts: number, length: number): number {
    if (length === 0) return this.#promptsUs(grid, layer, prompts, 1)
    const tokens = prompts * length
    const sums = { tokens, contextTokens: tokens, pairs: (tokens * (length + 1)) / 2 }
    const kvHeads = prefillKvHeads(layer.kvHeads)
    return (
      this.#roofline.prefillUs(layer, sums) * grid.at(layer.queryHeads, kvHeads, prompts, Math.max(1, length))
    )
  }

  allReduceUs(bytes: number): number {
    return this.#roofline.allReduceUs(bytes) * (this.#allReduce?.at(bytes) ?? 1)
  }

  exchangeUs(bytes: number): number {
    return this.#roofline.exchangeUs(bytes)
  }

  smallKernelsUs(bytes: number): number {
    return this.#roofline.smallKernelsUs(bytes) * (this.#smallKernels?.at(bytes) ?? 1)
  }
}

/** Profiles were taken with up to 8 KV heads, and with one for each query head, which this stands for. */
export const KV_HEADS_OF_THEIR_OWN = 64

export function prefillKvHeads(kvHeads: number): number {
  return kvHeads > 8 ? KV_HEADS_OF_THEIR_OWN : kvHeads
}

/** Tables of attention by KV format and head size, read when first asked for. */
class AttentionGrids {
  readonly #profiles: readonly AttentionProfile[]
  readonly #grids = new Map<AttentionLayer, RatioGrid | undefined>()

  constructor(profiles: readonly AttentionProfile[]) {
    this.#profiles = profiles
  }

  /** That of the same KV format and the nearest head size; none for a latent layer, which has no head size. */
  of(layer: AttentionLayer): RatioGrid | undefined {
    if (!this.#grids.has(layer)) this.#grids.set(layer, this.#nearest(layer))
    return this.#grids.get(layer)
  }

  #nearest({ headDim, kvDtype }: AttentionLayer): RatioGrid | undefined {
    if (headDim === undefined) return undefined
    const wanted = kvDtype === 'fp16' ? 'bf16' : kvDtype
    const alike = this.#profiles.filter((profile) => profile.kvDtype === wanted)
    const distance = (profile: AttentionProfile) => Math.abs(profile.headDim - headDim)
    const nearest = alike.toSorted((a, b) => distance(a) - distance(b)).at(0)
    return nearest === undefined ? undefined : RatioGrid.of(nearest.table)
  }
}
