import type { HostPreset } from './host-preset.js'
import type { Kernels } from './kernels.js'
import type { Model } from './model.js'
import { type ExpertSplit, isRoutedExpert, type LayerGroup, layerGroups } from './model-matrices.js'
import { ACTIVATION_BYTES, computeUs, memoryUs, productWork } from './rank-rates.js'
import { elementwiseBytes } from './small-kernels.js'

// After attention and after the feed-forward part (Megatron-LM, section 3).
const ALL_REDUCES_PER_LAYER = 2

/** What a step costs that depends on its number of tokens alone. Slow; `step-cost.ts` tabulates it. */
export class TokenWork {
  readonly #model: Model
  readonly #kernels: Kernels
  readonly #groups: readonly LayerGroup[]

  constructor(model: Model, kernels: Kernels, expertSplit?: ExpertSplit) {
    this.#model = model
    this.#kernels = kernels
    this.#groups = layerGroups(model, kernels.rank.tp, expertSplit)
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
      if (group.experts !== undefined) layerUs += this.#kernels.expertsUs(group.experts, tokens)
      us += group.layers * layerUs
    }
    return us
  }

  /** Sums over the group: two a layer and one for the embedding table, whose rows are divided too. */
  communicationUs(tokens: number): number {
    if (tokens === 0) return 0
    const messages = ALL_REDUCES_PER_LAYER * this.#model.layers + 1
    return messages * this.#kernels.allReduceUs(tokens * this.#model.hiddenSize * ACTIVATION_BYTES)
  }

  /** Layers, their sums over the group and what the host adds to them. */
  launchedUs(tokens: number, host: HostPreset): number {
    const gpuUs = this.layersUs(tokens) + this.communicationUs(tokens)
    const { architecture } = this.#kernels.rank.gpu
    const hostUs = host.perStepUs + host.perLayerUs[architecture] * this.#model.layers
    return host.combination === 'added' ? gpuUs + hostUs : Math.hypot(gpuUs, hostUs)
  }

  /** Microseconds of the layers' arithmetic and of their traffic at peak. */
  atPeak(tokens: number): { readonly computeUs: number; readonly memoryUs: number } {
    const { gpu } = this.#kernels.rank
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
