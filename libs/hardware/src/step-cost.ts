import { invariant, type Micros } from '@kvasir/kernel'
import { AttentionCost } from './attention-cost.js'
import { type CostSource, kernelsFor, stepProfileFor } from './cost-source.js'
import { Curve } from './curve.js'
import type { Gpu } from './gpu.js'
import { type HostPreset, hostPresets } from './host-preset.js'
import type { KernelEfficiency } from './kernel-efficiency.js'
import type { Kernels } from './kernels.js'
import type { Model } from './model.js'
import { type ExpertSplit, headMatrix } from './model-matrices.js'
import { type ExpertChoice, expertsOfServedModels } from './profile/expert-ratios.js'
import type { StepProfile } from './profile/kernel-profile.js'
import { RatioGrid } from './profile/ratio-grid.js'
import { computeUs, memoryUs, productWork, ACTIVATION_BYTES } from './rank-rates.js'
import type { StepShape } from './step-shape.js'
import { TokenWork } from './token-work.js'
import { splitRefusal } from './tensor-parallel.js'

/** How long a step takes, by measured tables or by roofline. */
export interface StepCostModel {
  readonly source: CostSource
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
  /** `profile` unless said otherwise: measured tables of this GPU, or of the nearest one. */
  readonly basis?: 'profile' | 'roofline'
  /** How ranks share routed experts; `tensor` unless said otherwise. */
  readonly expertSplit?: ExpertSplit
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
  readonly #head: Curve
  readonly #attention: AttentionCost
  readonly #tokenWork: TokenWork
  readonly #hostSequenceUs: number

  constructor(options: StepCostOptions) {
    const { gpu, model, tp, host = hostPresets['vllm-async'] } = options
    const { efficiencies, basis = 'profile' } = options
    const experts = { ...expertsOfServedModels, ...options.experts }
    const refusal = splitRefusal(model, tp)
    invariant(
      refusal === undefined,
      () => `${model.name} can't be split over ${tp} ranks: ${JSON.stringify(refusal)}`,
    )
    const { kernels, source } = kernelsFor({ gpu, tp, host, efficiencies, basis, experts })
    const tokenWork = new TokenWork(model, kernels, options.expertSplit)
    const steps = stepRatios(options, host)
    this.source = source
    this.#kernels = kernels
    this.#model = model
    this.#tokenWork = tokenWork
    this.#tokens = new Curve((tokens) => {
      if (tokens === 0) return 0
      return tokenWork.launchedUs(tokens, host) * (steps?.at(tp, tokens) ?? 1)
    }, TOKENS_TABULATED)
    this.#head = new Curve((sequences) => headUs(model, kernels, sequences), SEQUENCES_TABULATED)
    this.#attention = new AttentionCost(model, kernels)
    this.#hostSequenceUs = host.perSequenceUs[gpu.architecture]
  }

  stepUs(shape: StepShape): Micros {
    if (shape.totalTokens === 0) return 0
    return Math.max(1, Math.round(this.#totalUs(shape)))
  }

  tokensPerSecond(shape: StepShape): number {
    return shape.totalTokens === 0 ? 0 : (shape.totalTokens * 1e6) / this.stepUs(shape)
  }

  breakdown(shape: StepShape): StepBreakdown {
    const { totalTokens: tokens, sequences } = shape
    const totalUs = tokens === 0 ? 0 : this.#totalUs(shape)
    const launchedUs = this.#tokens.at(tokens)
    const communicationUs = Math.min(launchedUs, this.#tokenWork.communicationUs(tokens))
    const layersUs = Math.min(launchedUs - communicationUs, this.#tokenWork.layersUs(tokens))
    return {
      layersUs,
      attentionUs: this.#attention.decodeUs(shape) + this.#attention.prefillUs(shape),
      communicationUs,
      headUs: this.#head.at(sequences),
      hostUs: launchedUs - communicationUs - layersUs + this.#hostSequenceUs * sequences,
      totalUs,
      ...this.#atPeak(shape),
    }
  }

  #totalUs(shape: StepShape): number {
    return (
      this.#tokens.at(shape.totalTokens) +
      this.#head.at(shape.sequences) +
      this.#attention.decodeUs(shape) +
      this.#attention.prefillUs(shape) +
      this.#hostSequenceUs * shape.sequences
    )
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
