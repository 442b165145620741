import { bytesPerElement } from './dtype.js'
import { Curve } from './curve.js'
import type { Model } from './model.js'
import { attentionFlopsPerPair, kvBytesPerTokenPerRank } from './model-size.js'
import { pNorm } from './norm.js'
import { ACTIVATION_BYTES, computeUs, memoryUs, type Rank } from './rank-rates.js'
import type { StepShape } from './step-shape.js'

// The longest decode attention of one layer that is tabulated; beyond it the curve is as good as straight.
const LAYER_US_MAX = 1_000_000
// The fits of decode attention count in units of 64 heads per GPU (simulators.md section 7.2).
const HEADS_OF_THE_FIT = 64
// A window wider than any context; finite, so that no sequences times no limit stays 0.
const UNLIMITED_TOKENS = 2 ** 40

/**
 * Hot path: attention of all layers on one rank, in closed form. FLOPs and bytes are linear in the step's sums, so each
 * coefficient is computed once.
 */
export class AttentionCost {
  readonly #layers: number
  readonly #windowTokens: number
  readonly #decode: Curve
  readonly #decodeUsPerContextToken: number
  readonly #decodeUsPerSequence: number
  readonly #prefillFixedUs: number
  readonly #prefillUsPerPair: number
  readonly #prefillUsPerContextToken: number
  readonly #prefillUsPerToken: number
  readonly #expandUsPerContextToken: number
  readonly #work: AttentionWork

  constructor(model: Model, rank: Rank) {
    const { decodeAttention: decode, prefillAttention: prefill } = rank.efficiency
    const work = attentionWork(model, rank)
    const heads = model.attention.queryHeads / rank.tp
    this.#work = work
    this.#layers = model.layers
    this.#windowTokens = windowTokens(model)
    this.#decode = new Curve((us) => pNorm(decode.fixedUs, us, decode.norm), {
      largest: LAYER_US_MAX,
      unit: 1 / 8,
      bits: 6,
    })
    const perContextToken = Math.max(
      work.decodeMemoryUs / decode.memory,
      // A latent model's decode is arithmetic as much as bandwidth; it reaches what prefill reaches.
      work.decodeComputeUs / prefill.compute,
    )
    this.#decodeUsPerContextToken = perContextToken / model.layers
    this.#decodeUsPerSequence = (decode.perSequenceUs * heads) / HEADS_OF_THE_FIT
    this.#prefillFixedUs = prefill.fixedUs * model.layers
    this.#prefillUsPerPair = work.pairComputeUs / prefill.compute
    this.#prefillUsPerContextToken = work.contextMemoryUs / prefill.memory
    this.#prefillUsPerToken = work.tokenMemoryUs / prefill.memory
    this.#expandUsPerContextToken = work.expandComputeUs / rank.efficiency.product.compute
  }

  decodeUs(shape: StepShape): number {
    if (shape.decodeSequences === 0) return 0
    const readUs = this.#seenByDecodes(shape) * this.#decodeUsPerContextToken
    return this.#layers * this.#decode.at(readUs + shape.decodeSequences * this.#decodeUsPerSequence)
  }

  prefillUs(shape: StepShape): number {
    if (shape.prefillTokens === 0) return 0
    return (
      this.#prefillFixedUs +
      this.#seenPairs(shape) * this.#prefillUsPerPair +
      shape.prefillContextTokens * this.#prefillUsPerContextToken +
      shape.prefillTokens * this.#prefillUsPerToken +
      earlierTokens(shape) * this.#expandUsPerContextToken
    )
  }

  /** Microseconds of the step's attention at peak arithmetic and at peak bandwidth. */
  atPeak(shape: StepShape): { readonly computeUs: number; readonly memoryUs: number } {
    const work = this.#work
    const seen = this.#seenByDecodes(shape)
    return {
      computeUs:
        seen * work.decodeComputeUs +
        this.#seenPairs(shape) * work.pairComputeUs +
        earlierTokens(shape) * work.expandComputeUs,
      memoryUs:
        seen * work.decodeMemoryUs +
        shape.prefillContextTokens * work.contextMemoryUs +
        shape.prefillTokens * work.tokenMemoryUs,
    }
  }

  // The sums of a step do not say how contexts are spread, so a window cuts their mean: exact when they are alike.
  #seenByDecodes(shape: StepShape): number {
    return Math.min(shape.decodeContextTokens, shape.decodeSequences * this.#windowTokens)
  }

  #seenPairs(shape: StepShape): number {
    return Math.min(shape.prefillPairs, shape.prefillTokens * this.#windowTokens)
  }
}

/** Microseconds per unit of work at peak, all layers, on one rank. */
interface AttentionWork {
  readonly decodeMemoryUs: number
  readonly decodeComputeUs: number
  readonly pairComputeUs: number
  readonly contextMemoryUs: number
  readonly tokenMemoryUs: number
  /** Expanding the latent of earlier tokens to keys and values again; 0 for grouped-query models. */
  readonly expandComputeUs: number
}

function attentionWork(model: Model, rank: Rank): AttentionWork {
  const { gpu, tp } = rank
  const { attention, layers } = model
  const flops = attentionFlopsPerPair(model)
  const kvBytes = kvBytesPerTokenPerRank(model, tp)
  const heads = (layers * attention.queryHeads) / tp
  const shared = {
    decodeMemoryUs: memoryUs(gpu, kvBytes),
    decodeComputeUs: computeUs(gpu, flops.decode / tp, 'bf16'),
    pairComputeUs: computeUs(gpu, flops.prefill / tp, 'bf16'),
  }
  if (attention.kind === 'grouped_query') {
    const queryAndOutput = 2 * heads * attention.headDim * ACTIVATION_BYTES
    const contextMemoryUs = memoryUs(gpu, kvBytes)
    return { ...shared, contextMemoryUs, tokenMemoryUs: memoryUs(gpu, queryAndOutput), expandComputeUs: 0 }
  }
  const { plainKeyDim, rotaryKeyDim, valueDim, kvRank } = attention
  const keyAndValue = heads * (plainKeyDim + rotaryKeyDim + valueDim) * ACTIVATION_BYTES
  const expansion = 2 * heads * (plainKeyDim + valueDim) * kvRank
  return {
    ...shared,
    contextMemoryUs: memoryUs(gpu, keyAndValue),
    tokenMemoryUs: memoryUs(gpu, keyAndValue),
    expandComputeUs: computeUs(gpu, expansion, bytesPerElement[model.weightDtype] === 1 ? 'fp8' : 'bf16'),
  }
}

function windowTokens(model: Model): number {
  const { attention } = model
  const window = attention.kind === 'grouped_query' ? attention.slidingWindowTokens : undefined
  return window ?? UNLIMITED_TOKENS
}

function earlierTokens(shape: StepShape): number {
  return Math.max(0, shape.prefillContextTokens - shape.prefillTokens)
}
