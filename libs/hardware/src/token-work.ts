import type { Model } from './model.js'
import { type LayerGroup, layerGroups } from './model-matrices.js'
import {
  ACTIVATION_BYTES,
  allReduceUs,
  computeUs,
  memoryUs,
  productUs,
  productWork,
  type Rank,
} from './rank-rates.js'

// After attention and after the feed-forward part (Megatron-LM, section 3).
const ALL_REDUCES_PER_LAYER = 2

/** What a step costs that depends on its number of tokens alone. Slow; `step-cost.ts` tabulates it. */
export class TokenWork {
  readonly #model: Model
  readonly #rank: Rank
  readonly #groups: readonly LayerGroup[]

  constructor(model: Model, rank: Rank) {
    this.#model = model
    this.#rank = rank
    this.#groups = layerGroups(model, rank.tp)
  }

  /** Matrix products and small kernels of all layers. */
  layersUs(tokens: number): number {
    if (tokens === 0) return 0
    const { perLayer, eachUs } = this.#rank.efficiency.smallKernels
    let us = 0
    for (const group of this.#groups) {
      const elementwise = memoryUs(this.#rank.gpu, elementwiseBytes(this.#model, group, tokens))
      let layerUs = perLayer * eachUs + elementwise / this.#rank.efficiency.product.memory
      for (const matrix of group.matrices) layerUs += productUs(this.#rank, matrix, tokens)
      us += group.layers * layerUs
    }
    return us
  }

  /** Sums over the group: two a layer and one for the embedding table, whose rows are divided too. */
  communicationUs(tokens: number): number {
    if (tokens === 0) return 0
    const messages = ALL_REDUCES_PER_LAYER * this.#model.layers + 1
    return messages * allReduceUs(this.#rank, tokens * this.#model.hiddenSize * ACTIVATION_BYTES)
  }

  /** Microseconds of the layers' arithmetic and of their traffic at peak. */
  atPeak(tokens: number): { readonly computeUs: number; readonly memoryUs: number } {
    const { gpu } = this.#rank
    const sum = { computeUs: 0, memoryUs: 0 }
    if (tokens === 0) return sum
    for (const group of this.#groups) {
      sum.memoryUs += group.layers * memoryUs(gpu, elementwiseBytes(this.#model, group, tokens))
      for (const matrix of group.matrices) {
        const { flops, bytes } = productWork(matrix, tokens)
        sum.computeUs += group.layers * computeUs(gpu, flops, matrix.dtype)
        sum.memoryUs += group.layers * memoryUs(gpu, bytes)
      }
    }
    return sum
  }
}

/**
 * Traffic of a layer's small kernels: two norms that read and write the residual and its output (8 passes over the hidden
 * state), rotary positions and the cache write (read and write what was projected), the activation (two in, one out).
 */
function elementwiseBytes(model: Model, group: LayerGroup, tokens: number): number {
  let perToken = 8 * model.hiddenSize
  for (const matrix of group.matrices) {
    if (matrix.name === 'query_key_value' || matrix.name === 'expand_query') perToken += 2 * matrix.outputs
    if (matrix.name.endsWith('gate_up')) perToken += 1.5 * matrix.outputs * matrix.copiesPerToken
  }
  return tokens * perToken * ACTIVATION_BYTES
}
