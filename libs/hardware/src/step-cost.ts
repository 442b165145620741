import { invariant, type Micros } from '@kvasir/kernel'
import { AttentionCost } from './attention-cost.js'
import { Curve } from './curve.js'
import { type Gpu, groupLink } from './gpu.js'
import { type HostPreset, hostPresets } from './host-preset.js'
import { type KernelEfficiency, kernelEfficiency } from './kernel-efficiency.js'
import type { Model } from './model.js'
import { headMatrix } from './model-matrices.js'
import {
  allGatherUs,
  computeUs,
  memoryUs,
  productUs,
  productWork,
  type Rank,
  ACTIVATION_BYTES,
} from './rank-rates.js'
import type { StepShape } from './step-shape.js'
import { TokenWork } from './token-work.js'
import { splitRefusal } from './tensor-parallel.js'

/** How long a step takes, whoever knows it: a roofline here, measured tables later. */
export interface StepCostModel {
  /** Whole microseconds; at least 1 where tokens are computed, 0 for an empty step. */
  stepUs(shape: StepShape): Micros
  breakdown(shape: StepShape): StepBreakdown
  /** Tokens per second if every step had this shape. */
  tokensPerSecond(shape: StepShape): number
}

/** Where a step's time goes, in microseconds, unrounded. */
export interface StepBreakdown {
  /** What adds up on the GPU: the layers' products and small kernels, attention, all-reduces, the vocabulary. */
  readonly layersUs: number
  readonly attentionUs: number
  readonly communicationUs: number
  readonly headUs: number
  /** What the host adds to the GPU's time, or keeps it waiting for. */
  readonly hostUs: number
  readonly totalUs: number
  /** The step's arithmetic alone and its memory traffic alone at the data sheet's peaks: what bounds it. */
  readonly computeUs: number
  readonly memoryUs: number
}

export interface StepCostOptions {
  readonly gpu: Gpu
  readonly model: Model
  readonly tp: number
  /** `vllm-async` unless said otherwise. */
  readonly host?: HostPreset
  /** Replaces parts of what kernels are taken to reach on this GPU. */
  readonly efficiencies?: Partial<KernelEfficiency>
}

/** @throws {InvariantError} when `tp` ranks can't hold the model's heads; `splitRefusal` asks beforehand. */
export function createStepCost(options: StepCostOptions): StepCostModel {
  return new RooflineStepCost(options)
}

// Range of the tables: every whole number below 512 tokens or 1024 sequences is exact, then 256 or 512 knots an octave.
const TOKENS_TABULATED = { largest: 1 << 17, bits: 8 }
const SEQUENCES_TABULATED = { largest: 1 << 14, bits: 9 }
// Logits are written as 32 bit and read for the softmax and for the draw.
const SAMPLER_BYTES_PER_LOGIT = 3 * 4

/**
 * Hot path: `stepUs` is five table look-ups and a dozen multiplications, no powers (measured: README). The tables hold what
 * depends on the number of tokens (products of all layers, small kernels, all-reduces) or of sequences (vocabulary,
 * sampling) alone; attention is linear in the step's sums.
 */
class RooflineStepCost implements StepCostModel {
  readonly #rank: Rank
  readonly #model: Model
  readonly #host: HostPreset
  readonly #layers: Curve
  readonly #communication: Curve
  readonly #head: Curve
  readonly #attention: AttentionCost
  readonly #tokenWork: TokenWork
  readonly #hostStepUs: number
  readonly #hostSequenceUs: number

  constructor({ gpu, model, tp, host = hostPresets['vllm-async'], efficiencies }: StepCostOptions) {
    const refusal = splitRefusal(model, tp)
    invariant(
      refusal === undefined,
      () => `${model.name} can't be split over ${tp} ranks: ${JSON.stringify(refusal)}`,
    )
    const kernels = host.kernels?.[gpu.architecture] ?? kernelEfficiency(gpu, groupLink(gpu, tp))
    const rank = { gpu, tp, efficiency: { ...kernels, ...efficiencies } }
    const tokenWork = new TokenWork(model, rank)
    this.#rank = rank
    this.#model = model
    this.#host = host
    this.#tokenWork = tokenWork
    this.#layers = new Curve((tokens) => tokenWork.layersUs(tokens), TOKENS_TABULATED)
    this.#communication = new Curve((tokens) => tokenWork.communicationUs(tokens), TOKENS_TABULATED)
    this.#head = new Curve((sequences) => headUs(model, rank, sequences), SEQUENCES_TABULATED)
    this.#attention = new AttentionCost(model, rank)
    this.#hostStepUs = host.perStepUs + host.perLayerUs[gpu.architecture] * model.layers
    this.#hostSequenceUs = host.perSequenceUs[gpu.architecture]
  }

  stepUs(shape: StepShape): Micros {
    if (shape.totalTokens === 0) return 0
    return Math.max(1, Math.round(this.#withHostUs(shape, this.#gpuUs(shape))))
  }

  tokensPerSecond(shape: StepShape): number {
    return shape.totalTokens === 0 ? 0 : (shape.totalTokens * 1e6) / this.stepUs(shape)
  }

  breakdown(shape: StepShape): StepBreakdown {
    const { totalTokens: tokens, sequences } = shape
    const gpuUs = tokens === 0 ? 0 : this.#gpuUs(shape)
    const totalUs = tokens === 0 ? 0 : this.#withHostUs(shape, gpuUs)
    return {
      layersUs: tokens === 0 ? 0 : this.#layers.at(tokens),
      attentionUs: this.#attention.decodeUs(shape) + this.#attention.prefillUs(shape),
      communicationUs: tokens === 0 ? 0 : this.#communication.at(tokens),
      headUs: sequences === 0 ? 0 : this.#head.at(sequences),
      hostUs: totalUs - gpuUs,
      totalUs,
      ...this.#atPeak(shape),
    }
  }

  #gpuUs(shape: StepShape): number {
    return (
      this.#layers.at(shape.totalTokens) +
      this.#communication.at(shape.totalTokens) +
      this.#head.at(shape.sequences) +
      this.#attention.decodeUs(shape) +
      this.#attention.prefillUs(shape)
    )
  }

  #withHostUs(shape: StepShape, gpuUs: number): number {
    const hostUs = this.#hostStepUs
    const sequencesUs = this.#hostSequenceUs * shape.sequences
    if (this.#host.combination === 'added') return gpuUs + hostUs + sequencesUs
    return Math.sqrt(gpuUs * gpuUs + hostUs * hostUs) + sequencesUs
  }

  #atPeak(shape: StepShape): { readonly computeUs: number; readonly memoryUs: number } {
    const attention = this.#attention.atPeak(shape)
    const layers = this.#tokenWork.atPeak(shape.totalTokens)
    const matrix = headMatrix(this.#model, this.#rank.tp)
    const head = shape.sequences === 0 ? { flops: 0, bytes: 0 } : productWork(matrix, shape.sequences)
    const { gpu } = this.#rank
    return {
      computeUs: layers.computeUs + attention.computeUs + computeUs(gpu, head.flops, matrix.dtype),
      memoryUs: layers.memoryUs + attention.memoryUs + memoryUs(gpu, head.bytes),
    }
  }
}

/** Projection to the vocabulary, collection of its slices and the draw, once per sampled sequence. */
function headUs(model: Model, rank: Rank, sequences: number): number {
  if (sequences === 0) return 0
  const logits = sequences * model.vocabularySize
  const projectionUs = productUs(rank, headMatrix(model, rank.tp), sequences)
  const samplerUs = memoryUs(rank.gpu, logits * SAMPLER_BYTES_PER_LOGIT) / rank.efficiency.product.memory
  return projectionUs + allGatherUs(rank, logits * ACTIVATION_BYTES) + samplerUs
}
