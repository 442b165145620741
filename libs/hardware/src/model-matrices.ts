import { invariant } from '@kvasir/kernel'
import type { Dtype } from './dtype.js'
import type { ExpertFeedForward, Model } from './model.js'

/**
 * One linear map as one rank of a TP group holds it. Everything about a model's size and arithmetic is a sum over these:
 * parameters, weight bytes, FLOPs and the time of each matrix product.
 */
export interface WeightMatrix {
  readonly name: string
  /** Features of the output and of the input, on one rank. */
  readonly outputs: number
  readonly inputs: number
  /** How many of the kind the layer holds, and how many of them one token passes through. */
  readonly copies: number
  readonly copiesPerToken: number
  readonly dtype: Dtype
}

/** A run of layers that are alike. */
export interface LayerGroup {
  readonly layers: number
  readonly matrices: readonly WeightMatrix[]
}

/**
 * The layers of a model as one of `tp` ranks holds them (Megatron's split, as vLLM does it): heads, intermediate features
 * and experts' intermediate features are divided; key-value heads are copied where there are fewer than ranks; latent
 * compressions and routers are held whole.
 */
export function layerGroups(model: Model, tp = 1): readonly LayerGroup[] {
  invariant(model.attention.queryHeads % tp === 0, () => `${model.name}: ${tp} ranks do not divide the heads`)
  const attention = attentionMatrices(model, tp)
  const { feedForward } = model
  if (feedForward.kind === 'dense') {
    const matrices = [...attention, ...denseMatrices(model, feedForward.intermediateSize, tp)]
    return [{ layers: model.layers, matrices }]
  }
  const { leadingDenseLayers, denseIntermediateSize } = feedForward
  const routed = {
    layers: model.layers - leadingDenseLayers,
    matrices: [...attention, ...expertMatrices(model, feedForward, tp)],
  }
  if (leadingDenseLayers === 0) return [routed]
  const matrices = [...attention, ...denseMatrices(model, denseIntermediateSize, tp)]
  return [{ layers: leadingDenseLayers, matrices }, routed]
}

/** The projection to the vocabulary, once per sampled sequence. It stays 16 bit whatever the layers are. */
export function headMatrix(model: Model, tp = 1): WeightMatrix {
  return {
    name: 'head',
    outputs: Math.ceil(model.vocabularySize / tp),
    inputs: model.hiddenSize,
    copies: 1,
    copiesPerToken: 1,
    dtype: 'bf16',
  }
}

/** Key-value heads that each rank holds: a share, or a copy of one where there are more ranks than heads. */
export function kvHeadsPerRank(kvHeads: number, tp: number): number {
  return Math.ceil(kvHeads / tp)
}

function attentionMatrices(model: Model, tp: number): readonly WeightMatrix[] {
  const { attention, hiddenSize } = model
  const heads = attention.queryHeads / tp
  if (attention.kind === 'grouped_query') {
    const { headDim, kvHeads } = attention
    const projected = (heads + 2 * kvHeadsPerRank(kvHeads, tp)) * headDim
    return [
      linear(model, 'query_key_value', projected, hiddenSize),
      linear(model, 'attention_output', hiddenSize, heads * headDim),
    ]
  }
  const { queryRank, kvRank, plainKeyDim, rotaryKeyDim, valueDim } = attention
  return [
    linear(model, 'compress', queryRank + kvRank + rotaryKeyDim, hiddenSize),
    linear(model, 'expand_query', heads * (plainKeyDim + rotaryKeyDim), queryRank),
    linear(model, 'expand_key_value', heads * (plainKeyDim + valueDim), kvRank),
    linear(model, 'attention_output', hiddenSize, heads * valueDim),
  ]
}

function denseMatrices(model: Model, intermediateSize: number, tp: number): readonly WeightMatrix[] {
  const intermediate = Math.ceil(intermediateSize / tp)
  return [
    linear(model, 'gate_up', 2 * intermediate, model.hiddenSize),
    linear(model, 'down', model.hiddenSize, intermediate),
  ]
}

function expertMatrices(model: Model, experts: ExpertFeedForward, tp: number): readonly WeightMatrix[] {
  const intermediate = Math.ceil(experts.expertIntermediateSize / tp)
  const counts = { copies: experts.experts, copiesPerToken: experts.expertsPerToken }
  const router = linear(model, 'router', experts.experts, model.hiddenSize)
  const routed = [
    { ...router, dtype: 'bf16' as const },
    { ...linear(model, 'expert_gate_up', 2 * intermediate, model.hiddenSize), ...counts },
    { ...linear(model, 'expert_down', model.hiddenSize, intermediate), ...counts },
  ]
  if (experts.sharedExperts === 0) return routed
  return [...routed, ...denseMatrices(model, experts.sharedExperts * experts.expertIntermediateSize, tp)]
}

function linear(model: Model, name: string, outputs: number, inputs: number): WeightMatrix {
  return { name, outputs, inputs, copies: 1, copiesPerToken: 1, dtype: model.weightDtype }
}
