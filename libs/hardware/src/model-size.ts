import type { Bytes } from '@kvasir/kernel'
import { bytesPerElement } from './dtype.js'
import type { Model } from './model.js'
import {
  type ExpertSharing,
  headMatrix,
  kvHeadsPerRank,
  layerGroups,
  type WeightMatrix,
} from './model-matrices.js'

/** Parameters of the whole model, embeddings, norms and biases included. */
export function parameterCount(model: Model): number {
  return sumOverMatrices(model, 1, parameters) + smallParameters(model, 1) + embeddingParameters(model, 1)
}

/** Parameters that one token passes through: the whole model less the experts it is not routed to. */
export function activeParameterCount(model: Model): number {
  const active = (matrix: WeightMatrix) => matrix.copiesPerToken * matrix.outputs * matrix.inputs
  return sumOverMatrices(model, 1, active) + smallParameters(model, 1) + embeddingParameters(model, 1)
}

/** Weight bytes of the whole model on one GPU. */
export function weightBytes(model: Model): Bytes {
  return weightBytesPerRank(model, 1)
}

/**
 * Weight bytes on each of `tp` ranks; times `tp` it exceeds `weightBytes` by what is copied. Scales of 8-bit weights are
 * left out: DeepSeek's are one float for 128 x 128 weights, 0.02 %.
 */
export function weightBytesPerRank(model: Model, tp: number, sharing?: ExpertSharing): Bytes {
  const bytes = (matrix: WeightMatrix) => parameters(matrix) * bytesPerElement[matrix.dtype]
  const linear = sumOverMatrices(model, tp, bytes, sharing)
  const sixteenBit = smallParameters(model, tp) + embeddingParameters(model, tp)
  return linear + sixteenBit * bytesPerElement.bf16
}

/** KV bytes of one token, all layers, whole model. */
export function kvBytesPerToken(model: Model): Bytes {
  return kvBytesPerTokenPerRank(model, 1)
}

/** KV bytes of one token on each of `tp` ranks: heads are divided, and copied when there are too few; a latent is copied. */
export function kvBytesPerTokenPerRank(model: Model, tp: number): Bytes {
  const { attention } = model
  const elements =
    attention.kind === 'latent'
      ? attention.kvRank + attention.rotaryKeyDim
      : 2 * kvHeadsPerRank(attention.kvHeads, tp) * attention.headDim
  return model.layers * elements * bytesPerElement[model.kvDtype]
}

/** FLOPs of one token in the layers' matrix products, whole model: two per active weight. Attention is not in it. */
export function layerFlopsPerToken(model: Model): number {
  return sumOverMatrices(model, 1, (matrix) => 2 * matrix.copiesPerToken * matrix.outputs * matrix.inputs)
}

/** FLOPs of projecting one token to the vocabulary. */
export function headFlopsPerToken(model: Model): number {
  const head = headMatrix(model)
  return 2 * head.outputs * head.inputs
}

/** FLOPs of one generated token: the layers' matrix products and the projection to the vocabulary. */
export function flopsPerToken(model: Model): number {
  return layerFlopsPerToken(model) + headFlopsPerToken(model)
}

export interface AttentionFlops {
  readonly prefill: number
  readonly decode: number
}

/**
 * FLOPs of attention for one (query, key) pair, all layers and heads: the score and the weighted value. A latent model
 * expands keys and values in prefill and works on the latent itself in decode (DeepSeek-V2, section 2.1.2), which costs
 * more arithmetic and far fewer bytes.
 */
export function attentionFlopsPerPair(model: Model): AttentionFlops {
  const { attention, layers } = model
  const heads = layers * attention.queryHeads
  if (attention.kind === 'grouped_query') {
    const flops = heads * 4 * attention.headDim
    return { prefill: flops, decode: flops }
  }
  const { plainKeyDim, rotaryKeyDim, valueDim, kvRank } = attention
  return {
    prefill: heads * 2 * (plainKeyDim + rotaryKeyDim + valueDim),
    decode: heads * 2 * (kvRank + rotaryKeyDim + kvRank),
  }
}

function parameters(matrix: WeightMatrix): number {
  return matrix.copies * matrix.outputs * matrix.inputs
}

function sumOverMatrices(
  model: Model,
  tp: number,
  value: (matrix: WeightMatrix) => number,
  sharing?: ExpertSharing,
): number {
  let sum = 0
  for (const group of layerGroups(model, tp, sharing)) {
    for (const matrix of group.matrices) sum += group.layers * value(matrix)
  }
  return sum
}

/** Norms and biases: a fraction of a per mille, kept so that the count is the published one. Norms are copied per rank. */
function smallParameters(model: Model, tp: number): number {
  const { attention, hiddenSize, layers } = model
  const perLayer = 2 * hiddenSize
  if (attention.kind === 'latent') {
    return layers * (perLayer + attention.queryRank + attention.kvRank) + hiddenSize
  }
  const { headDim, kvHeads, queryHeads } = attention
  const bias = attention.qkvBias ? (queryHeads / tp + 2 * kvHeadsPerRank(kvHeads, tp)) * headDim : 0
  const norm = attention.qkNorm ? 2 * headDim : 0
  return layers * (perLayer + bias + norm) + hiddenSize
}

function embeddingParameters(model: Model, tp: number): number {
  const table = Math.ceil(model.vocabularySize / tp) * model.hiddenSize
  return model.tiedEmbeddings ? table : 2 * table
}
