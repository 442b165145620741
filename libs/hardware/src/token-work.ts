import type { HostPreset } from './host-preset.js'
import type { Kernels } from './kernels.js'
import type { Model } from './model.js'
import { type ExpertSharing, isRoutedExpert, type LayerGroup, layerGroups } from './model-matrices.js'
import { ACTIVATION_BYTES, computeUs, memoryUs, productWork } from './rank-rates.js'
import { elementwiseBytes } from './small-kernels.js'

// After attention and after the feed-forward part (Megatron-LM, section 3).
const ALL_REDUCES_PER_LAYER = 2

// Hidden states to the experts' ranks and back (vLLM's allgather_reducescatter).
const EXCHANGES_PER_LAYER = 2

/**
 * What a step costs that depends on its number of tokens alone. Slow; `step-cost.ts` tabulates it. Where groups share experts, `shared…` is
 * what they do for the tokens of all of them together, and the rest is the group's own.
 */
export class TokenWork {
  readonly #model: Model
  readonly #kernels: Kernels
  readonly #groups: readonly LayerGroup[]
  /** TP groups that share the experts. */
  readonly #dataParallel: number

  constructor(model: Model, kernels: Kernels, sharing: ExpertSharing = {}) {
    this.#model = model
    this.#kernels = kernels
    this.#groups = layerGroups(model, kernels.rank.tp, sharing)
    this.#dataParallel = sharing.dataParallel ?? 1
  }

  /** Matrix products and small kernels of all layers. */
  layersUs(tokens: number): number {
    if (tokens === 0) return 0
    let us = 0
    for (const group of this.#groups) {
      let layerUs = this.#kernels.smallKernelsUs(elementwiseBytes(this.#model, group, tokens))
      for (const matrix of group.matrices) {
        if (!isRoutedExpert(matrix)) layerUs += this.#kernels.productUs(matrix, tokens)
      }
      if (group.experts !== undefined && this.#dataParallel === 1)
        layerUs += this.#kernels.expertsUs(group.experts, tokens)
      us += group.layers * layerUs
    }
    return us
  }

  /** Routed experts of all layers over the tokens of all groups that share them; 0 where nobody does. */
  sharedExpertsUs(tokens: number): number {
    if (tokens === 0 || this.#dataParallel === 1) return 0
    return this.#groups.reduce(
      (sum, { layers, experts }) =>
        sum + (experts === undefined ? 0 : layers * this.#kernels.expertsUs(experts, tokens)),
      0,
    )
  }

  /** The ways of all groups' hidden states to the experts and back. */
  exchangeUs(tokens: number): number {
    if (tokens === 0 || this.#dataParallel === 1) return 0
    const layers = this.#groups.reduce(
      (sum, group) => sum + (group.experts === undefined ? 0 : group.layers),
      0,
    )
    const eachUs = this.#kernels.exchangeUs(tokens * this.#model.hiddenSize * ACTIVATION_BYTES)
    return EXCHANGES_PER_LAYER * layers * eachUs
  }

  /** Sums over the group: two a layer and one for the embedding table, whose rows are divided too. */
  communicationUs(tokens: number, host: HostPreset): number {
    if (tokens === 0 || this.#kernels.rank.tp === 1) return 0
    const messages = ALL_REDUCES_PER_LAYER * this.#model.layers + 1
    const kernelUs = this.#kernels.allReduceUs(tokens * this.#model.hiddenSize * ACTIVATION_BYTES)
    return messages * (kernelUs + host.perAllReduceUs)
  }

  /** Layers, their sums over the group and what the host adds to them. */
  launchedUs(tokens: number, host: HostPreset): number {
    const gpuUs = this.layersUs(tokens) + this.communicationUs(tokens, host)
    const { architecture } = this.#kernels.rank.gpu
    const hostUs = host.perStepUs + host.perLayerUs[architecture] * this.#model.layers
    return host.combination === 'added' ? gpuUs + hostUs : Math.hypot(gpuUs, hostUs)
  }

  /** Microseconds of the layers' arithmetic and of their traffic at peak; of shared experts as if every group had as many tokens. */
  atPeak(tokens: number): { readonly computeUs: number; readonly memoryUs: number } {
    const { gpu } = this.#kernels.rank
    const sum = { computeUs: 0, memoryUs: 0 }
    if (tokens === 0) return sum
    for (const group of this.#groups) {
      sum.memoryUs += group.layers * memoryUs(gpu, elementwiseBytes(this.#model, group, tokens))
      for (const matrix of group.matrices) {
        const seen = isRoutedExpert(matrix) ? tokens * this.#dataParallel : tokens
        const { flops, bytes } = productWork(matrix, seen)
        sum.computeUs += group.layers * computeUs(gpu, flops, matrix.dtype)
        sum.memoryUs += group.layers * memoryUs(gpu, bytes)
      }
    }
    return sum
  }
}
