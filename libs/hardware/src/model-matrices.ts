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
  /** The routed experts, whose matrices are among `matrices` too. */
  readonly experts?: ExpertLayer
}

const EXPERT_GATE_UP = 'expert_gate_up'
const EXPERT_DOWN = 'expert_down'

/** How the ranks of a group share routed experts: a slice of each one, or whole ones each (expert parallelism). */
export type ExpertSplit = 'tensor' | 'expert'

/** Who shares the routed experts of a model, and how. */
export interface ExpertSharing {
  /** `tensor` unless said otherwise. */
  readonly expertSplit?: ExpertSplit
  /**
   * TP groups that compute in lock step: each holds everything but the experts, for sequences of its own, and all their ranks share the
   * experts (vLLM's --data-parallel-size). 1 unless said otherwise.
   */
  readonly dataParallel?: number
}

/**
 * The layers of a model as one of `tp` ranks holds them (Megatron's split, as vLLM does it): heads and intermediate features
 * are divided, and of experts either their intermediate features or their number, over the ranks of all groups that share them;
 * key-value heads are copied where there are fewer than ranks; latent compressions and routers are held whole.
 */
export function layerGroups(model: Model, tp = 1, sharing: ExpertSharing = {}): readonly LayerGroup[] {
  invariant(model.attention.queryHeads % tp === 0, () => `${model.name}: ${tp} ranks do not divide the heads`)
  const attention = attentionMatrices(model, tp)
  const { feedForward } = model
  if (feedForward.kind === 'dense') {
    const matrices = [...attention, ...denseMatrices(model, feedForward.intermediateSize, tp)]
    return [{ layers: model.layers, matrices }]
  }
  const { leadingDenseLayers, denseIntermediateSize } = feedForward
  const experts = expertLayer(model, feedForward, tp, sharing)
  const routed = {
    layers: model.layers - leadingDenseLayers,
    matrices: [...attention, ...expertMatrices(model, feedForward, experts, tp)],
    experts,
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

function expertMatrices(
  model: Model,
  feedForward: ExpertFeedForward,
  experts: ExpertLayer,
  tp: number,
): readonly WeightMatrix[] {
  const router = linear(model, 'router', experts.experts, model.hiddenSize)
  const routed = [{ ...router, dtype: 'bf16' as const }, ...routedExperts(experts)]
  const { sharedExperts, expertIntermediateSize } = feedForward
  if (sharedExperts === 0) return routed
  return [...routed, ...denseMatrices(model, sharedExperts * expertIntermediateSize, tp)]
}

function expertLayer(
  model: Model,
  feedForward: ExpertFeedForward,
  tp: number,
  { expertSplit, dataParallel = 1 }: ExpertSharing,
): ExpertLayer {
  const ranks = tp * dataParallel
  return {
    hiddenSize: model.hiddenSize,
    intermediateSize: feedForward.expertIntermediateSize,
    experts: feedForward.experts,
    expertsPerToken: feedForward.expertsPerToken,
    dtype: model.weightDtype,
    ...(expertSplit === 'expert' ? { tp: 1, ep: ranks } : { tp: ranks, ep: 1 }),
  }
}

/** The routed experts of one layer, and how ranks share them. */
export interface ExpertLayer {
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly experts: number
  readonly expertsPerToken: number
  readonly dtype: Dtype
  /** Ranks that divide each expert, and ranks that divide the experts among them. */
  readonly tp: number
  readonly ep: number
}

/** As one rank holds them. With experts divided it sees its share of the tokens' visits, on average. */
export function routedExperts(layer: ExpertLayer): readonly WeightMatrix[] {
  const { hiddenSize, dtype, ep } = layer
  const intermediate = Math.ceil(layer.intermediateSize / layer.tp)
  const counts = { copies: Math.ceil(layer.experts / ep), copiesPerToken: layer.expertsPerToken / ep, dtype }
  return [
    { name: EXPERT_GATE_UP, outputs: 2 * intermediate, inputs: hiddenSize, ...counts },
    { name: EXPERT_DOWN, outputs: hiddenSize, inputs: intermediate, ...counts },
  ]
}

/** Whether only the tokens routed to it pass through. */
export function isRoutedExpert(matrix: WeightMatrix): boolean {
  return matrix.name === EXPERT_GATE_UP || matrix.name === EXPERT_DOWN
}

function linear(model: Model, name: string, outputs: number, inputs: number): WeightMatrix {
  return { name, outputs, inputs, copies: 1, copiesPerToken: 1, dtype: model.weightDtype }
}
