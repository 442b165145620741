import { invariant, type Micros, type Tokens } from '@kvasir/kernel'
import { AttentionCost } from './attention-cost.js'
import { type CostSource, kernelsFor, stepProfileFor } from './cost-source.js'
import { Curve } from './curve.js'
import type { Gpu } from './gpu.js'
import { type HostPreset, hostPresets } from './host-preset.js'
import type { KernelEfficiency } from './kernel-efficiency.js'
import type { Kernels } from './kernels.js'
import type { Model } from './model.js'
import { type ExpertSharing, headMatrix } from './model-matrices.js'
import { type ExpertChoice, expertsOfServedModels } from './profile/expert-ratios.js'
import type { KernelProfile, StepProfile } from './profile/kernel-profile.js'
import { RatioGrid } from './profile/ratio-grid.js'
import { computeUs, memoryUs, productWork, ACTIVATION_BYTES } from './rank-rates.js'
import type { StepShape } from './step-shape.js'
import { TokenWork } from './token-work.js'
import { splitRefusal } from './tensor-parallel.js'

/** How long a step takes, by measured tables or by roofline. */
export interface StepCostModel {
  readonly source: CostSource
  /**
   * Whole microseconds; at least 1 where tokens are computed, 0 for an empty step. `groupTokens`, where TP groups share experts: tokens of all
   * of them in this step, by default as many in each as in this one; a step of several groups takes what the slowest of them does.
   */
  stepUs(shape: StepShape, groupTokens?: Tokens): Micros
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

export interface StepCostOptions extends ExpertSharing {
  readonly gpu: Gpu
  readonly model: Model
  readonly tp: number
  /** `vllm-async` unless said otherwise. */
  readonly host?: HostPreset
  /** Replaces parts of what kernels are taken to reach on this GPU. */
  readonly efficiencies?: Partial<KernelEfficiency>
  /** `profile` unless said otherwise: measured tables of this GPU, or of the nearest one. */
  readonly basis?: 'profile' | 'roofline'
  /** What was measured on the GPU at hand, in place of what ships; of the same kind of GPU. */
  readonly profile?: KernelProfile
  /** Skewed and `block` unless said otherwise: see `expertsOfServedModels`. */
  readonly experts?: Partial<ExpertChoice>
  /** Replaces the measured steps of the host preset's engine. */
  readonly stepProfile?: StepProfile | 'none'
}

/** @throws {InvariantError} when `tp` ranks can't hold the model's heads; `splitRefusal` asks beforehand. */
export function createStepCost(options: StepCostOptions): StepCostModel {
  return new TabulatedStepCost(options)
}

// Range of the tables: every whole number below 512 tokens or 1024 sequences is exact, then 256 or 512 knots an octave.
const TOKENS_TABULATED = { largest: 1 << 17, bits: 8 }
const SEQUENCES_TABULATED = { largest: 1 << 14, bits: 9 }
/**
 * Before each step the groups that share experts tell each other how many tokens they have (vllm/v1/worker/dp_utils.py, an all-reduce among
 * processes). Fitted to two RTX PRO 6000, Qwen3-30B-A3B (llmservingsim_vllm_requests).
 */
const AGREEMENT_US = 400
// Logits are written as 32 bit and read for the softmax and for the draw.
const SAMPLER_BYTES_PER_LOGIT = 3 * 4

/**
 * Hot path: `stepUs` is two curves and two surfaces, no powers (measured: `npx kvasir bench hardware`). The curves hold what
 * depends on the number of tokens (products of all layers, small kernels, all-reduces, the host) or of sequences (vocabulary,
 * sampling) alone.
 */
class TabulatedStepCost implements StepCostModel {
  readonly source: CostSource
  readonly #kernels: Kernels
  readonly #model: Model
  readonly #tokens: Curve
  /** By tokens of all groups that share experts; undefined where nobody does. */
  readonly #shared: Curve | undefined
  readonly #dataParallel: number
  readonly #head: Curve
  readonly #attention: AttentionCost
  readonly #tokenWork: TokenWork
  readonly #host: HostPreset
  readonly #hostSequenceUs: number

  constructor(options: StepCostOptions) {
    const { gpu, model, tp, host = hostPresets['vllm-async'] } = options
    const { efficiencies, basis = 'profile', dataParallel = 1 } = options
    const experts = { ...expertsOfServedModels, ...options.experts }
    const refusal = splitRefusal(model, tp)
    invariant(
      options.profile === undefined || options.profile.gpu === gpu.name,
      () => `a profile of ${options.profile?.gpu} says nothing of ${gpu.name}`,
    )
    invariant(
      refusal === undefined,
      () => `${model.name} can't be split over ${tp} ranks: ${JSON.stringify(refusal)}`,
    )
    const { kernels, source } = kernelsFor({
      gpu,
      tp,
      dataParallel,
      host,
      efficiencies,
      basis,
      experts,
      measured: options.profile,
    })
    const tokenWork = new TokenWork(model, kernels, options)
    const steps = stepRatios(options, host)
    this.source = source
    this.#kernels = kernels
    this.#model = model
    this.#tokenWork = tokenWork
    this.#dataParallel = dataParallel
    if (dataParallel > 1) {
      const sharedUs = (tokens: number) =>
        tokens === 0 ? 0 : AGREEMENT_US + tokenWork.sharedExpertsUs(tokens) + tokenWork.exchangeUs(tokens)
      this.#shared = new Curve(sharedUs, TOKENS_TABULATED)
    }
    this.#tokens = new Curve((tokens) => {
      if (tokens === 0) return 0
      return tokenWork.launchedUs(tokens, host) * (steps?.at(tp, tokens) ?? 1)
    }, TOKENS_TABULATED)
    this.#head = new Curve((sequences) => headUs(model, kernels, sequences), SEQUENCES_TABULATED)
    this.#attention = new AttentionCost(model, kernels)
    this.#host = host
    this.#hostSequenceUs = host.perSequenceUs[gpu.architecture]
  }

  stepUs(shape: StepShape, groupTokens = this.#dataParallel * shape.totalTokens): Micros {
    if (shape.totalTokens === 0) return 0
    return Math.max(1, Math.round(this.#totalUs(shape, groupTokens)))
  }

  tokensPerSecond(shape: StepShape): number {
    return shape.totalTokens === 0 ? 0 : (shape.totalTokens * 1e6) / this.stepUs(shape)
  }

  breakdown(shape: StepShape): StepBreakdown {
    const { totalTokens: tokens, sequences } = shape
    const groupTokens = this.#dataParallel * tokens
    const agreementUs = this.#shared === undefined || tokens === 0 ? 0 : AGREEMENT_US
    const totalUs = tokens === 0 ? 0 : this.#totalUs(shape, groupTokens)
    const launchedUs = this.#tokens.at(tokens)
    const allReduceUs = Math.min(launchedUs, this.#tokenWork.communicationUs(tokens, this.#host))
    const ownLayersUs = Math.min(launchedUs - allReduceUs, this.#tokenWork.layersUs(tokens))
    return {
      layersUs: ownLayersUs + this.#tokenWork.sharedExpertsUs(groupTokens),
      attentionUs: this.#attention.decodeUs(shape) + this.#attention.prefillUs(shape),
      communicationUs: allReduceUs + this.#tokenWork.exchangeUs(groupTokens),
      headUs: this.#head.at(sequences),
      hostUs: launchedUs - allReduceUs - ownLayersUs + this.#hostSequenceUs * sequences + agreementUs,
      totalUs,
      ...this.#atPeak(shape),
    }
  }

  #totalUs(shape: StepShape, groupTokens: number): number {
    const ownUs =
      this.#tokens.at(shape.totalTokens) +
      this.#head.at(shape.sequences) +
      this.#attention.decodeUs(shape) +
      this.#attention.prefillUs(shape) +
      this.#hostSequenceUs * shape.sequences
    return this.#shared === undefined ? ownUs : ownUs + this.#shared.at(groupTokens)
  }

  #atPeak(shape: StepShape): { readonly computeUs: number; readonly memoryUs: number } {
    const attention = this.#attention.atPeak(shape)
    const layers = this.#tokenWork.atPeak(shape.totalTokens)
    const { gpu, tp } = this.#kernels.rank
    const matrix = headMatrix(this.#model, tp)
    const head = shape.sequences === 0 ? { flops: 0, bytes: 0 } : productWork(matrix, shape.sequences)
    return {
      computeUs: layers.computeUs + attention.computeUs + computeUs(gpu, head.flops, matrix.dtype),
      memoryUs: layers.memoryUs + attention.memoryUs + memoryUs(gpu, head.bytes),
    }
  }
}

/** Measured over roofline of whole steps, where the host preset's engine was measured. */
function stepRatios(options: StepCostOptions, host: HostPreset): RatioGrid | undefined {
  const { gpu, basis, stepProfile } = options
  if (basis === 'roofline' || stepProfile === 'none') return undefined
  const profile = stepProfile ?? stepProfileFor(gpu, host)
  return profile === undefined ? undefined : RatioGrid.of(profile.table)
}

/** Projection to the vocabulary, collection of its slices and the draw, once per sampled sequence. */
function headUs(model: Model, kernels: Kernels, sequences: number): number {
  if (sequences === 0) return 0
  const { gpu, tp, efficiency } = kernels.rank
  const logits = sequences * model.vocabularySize
  const projectionUs = kernels.productUs(headMatrix(model, tp), sequences)
  const samplerUs = memoryUs(gpu, logits * SAMPLER_BYTES_PER_LOGIT) / efficiency.product.memory
  // Collecting the slices moves half of what a ring all-reduce does.
  return projectionUs + kernels.allReduceUs((logits * ACTIVATION_BYTES) / 2) + samplerUs
}
