import type { Model } from './model.js'

/** Why a model can't be split over so many ranks. */
export interface SplitRefusal {
  readonly kind: 'refused'
  readonly reason: 'heads_not_divisible'
  readonly model: string
  readonly tp: number
  readonly queryHeads: number
  /** Absent for a latent model, whose latent is copied. */
  readonly kvHeads?: number
}

/** vLLM's rule: the ranks divide the query heads, and key-value heads divide evenly among ranks or ranks among them. */
export function splitRefusal(model: Model, tp: number): SplitRefusal | undefined {
  const { attention } = model
  const { queryHeads } = attention
  const refusal = {
    kind: 'refused',
    reason: 'heads_not_divisible',
    model: model.name,
    tp,
    queryHeads,
  } as const
  if (!Number.isInteger(tp) || tp < 1 || queryHeads % tp !== 0) return refusal
  if (attention.kind === 'latent') return undefined
  const { kvHeads } = attention
  return kvHeads % tp === 0 || tp % kvHeads === 0 ? undefined : { ...refusal, kvHeads }
}
