import { bytesPerElement, type Dtype } from './dtype.js'
import type { Model } from './model.js'
import { kvHeadsPerRank } from './model-matrices.js'
import { pNorm } from './norm.js'
import { ACTIVATION_BYTES, computeUs, memoryUs, type Rank } from './rank-rates.js'

/** Attention of one layer as one rank computes it: its sizes, and its work per unit of what a step sums up. */
export interface AttentionLayer {
  readonly queryHeads: number
  /** Heads whose keys and values are kept on the rank; 1 for a latent, which all heads share. */
  readonly kvHeads: number
  /** Absent for a latent layer: no profile has one. */
  readonly headDim?: number
  readonly kvDtype: Dtype
  readonly kvBytesPerToken: number
  readonly decodeFlopsPerPair: number
  readonly prefillFlopsPerPair: number
  /** Bytes a prefill moves per token it sees and per token it computes. */
  readonly contextBytes: number
  readonly tokenBytes: number
  /** Expanding the latent of an earlier token to keys and values again; 0 for grouped-query models. */
  readonly expandFlops: number
  readonly expandDtype: Dtype
}

/** What chunks computed in one step add up to. */
export interface PrefillSums {
  readonly tokens: number
  /** (query, key) pairs. */
  readonly pairs: number
  readonly contextTokens: number
}

export function attentionLayer(model: Model, tp: number): AttentionLayer {
  const { attention, kvDtype } = model
  const queryHeads = attention.queryHeads / tp
  if (attention.kind === 'grouped_query') {
    const { headDim } = attention
    return groupedLayer({ queryHeads, kvHeads: kvHeadsPerRank(attention.kvHeads, tp), headDim, kvDtype })
  }
  // DeepSeek-V2, section 2.1.2: expanded keys and values in prefill; decode works on the latent itself.
  const { plainKeyDim, rotaryKeyDim, valueDim, kvRank } = attention
  const keyAndValueBytes = queryHeads * (plainKeyDim + rotaryKeyDim + valueDim) * ACTIVATION_BYTES
  return {
    queryHeads,
    kvHeads: 1,
    kvDtype,
    kvBytesPerToken: (kvRank + rotaryKeyDim) * bytesPerElement[kvDtype],
    decodeFlopsPerPair: 2 * queryHeads * (kvRank + rotaryKeyDim + kvRank),
    prefillFlopsPerPair: 2 * queryHeads * (plainKeyDim + rotaryKeyDim + valueDim),
    contextBytes: keyAndValueBytes,
    tokenBytes: keyAndValueBytes,
    expandFlops: 2 * queryHeads * (plainKeyDim + valueDim) * kvRank,
    expandDtype: model.weightDtype,
  }
}

export function groupedLayer(sizes: {
  readonly queryHeads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly kvDtype: Dtype
}): AttentionLayer {
  const { queryHeads, kvHeads, headDim, kvDtype } = sizes
  const kvBytesPerToken = 2 * kvHeads * headDim * bytesPerElement[kvDtype]
  return {
    ...sizes,
    kvBytesPerToken,
    decodeFlopsPerPair: 4 * queryHeads * headDim,
    prefillFlopsPerPair: 4 * queryHeads * headDim,
    contextBytes: kvBytesPerToken,
    tokenBytes: 2 * queryHeads * headDim * ACTIVATION_BYTES,
    expandFlops: 0,
    expandDtype: 'bf16',
  }
}

/** Microseconds of one token for each of `sequences`, which read `contextTokens` together, by roofline. */
export function decodeLayerUs(
  rank: Rank,
  layer: AttentionLayer,
  batch: { readonly sequences: number; readonly contextTokens: number },
): number {
  const { gpu, efficiency } = rank
  const { fixedUs, memory, perKvHeadUs, norm } = efficiency.decodeAttention
  const trafficUs = memoryUs(gpu, batch.contextTokens * layer.kvBytesPerToken) / memory
  // A latent model's decode is arithmetic as much as bandwidth; it reaches what prefill reaches.
  const flops = batch.contextTokens * layer.decodeFlopsPerPair
  const arithmeticUs = computeUs(gpu, flops, 'bf16') / efficiency.prefillAttention.compute
  const heads = batch.sequences * layer.kvHeads
  return pNorm(fixedUs, Math.max(trafficUs, arithmeticUs) + perKvHeadUs * heads, norm)
}

/** Microseconds of prompt chunks, by roofline; linear in their sums. */
export function prefillLayerUs(rank: Rank, layer: AttentionLayer, sums: PrefillSums): number {
  const { gpu, efficiency } = rank
  const { fixedUs, compute, memory, perTokenUs } = efficiency.prefillAttention
  const bytes = sums.contextTokens * layer.contextBytes + sums.tokens * layer.tokenBytes
  const expandFlops = Math.max(0, sums.contextTokens - sums.tokens) * layer.expandFlops
  return (
    fixedUs +
    computeUs(gpu, sums.pairs * layer.prefillFlopsPerPair, 'bf16') / compute +
    memoryUs(gpu, bytes) / memory +
    sums.tokens * perTokenUs +
    computeUs(gpu, expandFlops, layer.expandDtype) / efficiency.product.compute
  )
}
