import type { DenseFeedForward, GroupedQueryAttention } from './model.js'

/** Grouped-query attention without bias, norm or window: what most models have, and the rest vary by spreading it. */
export function groupedQuery(heads: {
  readonly queryHeads: number
  readonly kvHeads: number
  readonly headDim?: number
}): GroupedQueryAttention {
  return { kind: 'grouped_query', headDim: 128, qkvBias: false, qkNorm: false, ...heads }
}

export function dense(intermediateSize: number): DenseFeedForward {
  return { kind: 'dense', intermediateSize }
}

export const sixteenBit = { weightDtype: 'bf16', kvDtype: 'bf16' } as const
