import { type AttentionLayer, attentionLayer, type PrefillSums } from './attention-layer.js'
import { bytesPerElement } from './dtype.js'
import type { Kernels } from './kernels.js'
import type { Model } from './model.js'
import { computeUs, memoryUs } from './rank-rates.js'
import type { StepShape } from './step-shape.js'
import { Surface } from './surface.js'

// A window wider than any context; finite, so that no sequences times no limit stays 0.
const UNLIMITED_TOKENS = 2 ** 40
const LONGEST_CONTEXT_TOKENS = 32_768
const DECODE_SEQUENCES = { largest: 1 << 12, unit: 1, bits: 2 }
const DECODE_CONTEXT_TOKENS = { largest: 1 << 25, unit: 16, bits: 2 }
const PREFILL_TOKENS = { largest: 1 << 15, unit: 16, bits: 2 }
const PREFILL_PAIRS = { largest: 2 ** 32, unit: 64, bits: 2 }

/**
 * Hot path: attention of all layers on one rank. Decode is a surface over sequences and tokens of context, prefill one over
 * tokens and (query, key) pairs; a latent model's prefill, which no profile has, is linear in the step's sums.
 */
export class AttentionCost {
  readonly #model: Model
  readonly #kernels: Kernels
  readonly #layer: AttentionLayer
  readonly #windowTokens: number
  readonly #decode: Surface
  readonly #prefill: Surface | LinearPrefill
  /** Of all layers, for a token of context that a decode sees in a step with prompts. */
  readonly #mixedUsPerToken: number

  constructor(model: Model, kernels: Kernels) {
    const layer = attentionLayer(model, kernels.rank.tp)
    this.#model = model
    this.#kernels = kernels
    this.#layer = layer
    this.#windowTokens = windowTokens(model)
    const { layers } = model
    this.#mixedUsPerToken = layers * mixedUsPerToken(kernels, layer)
    this.#decode = new Surface(
      (sequences, contextTokens) =>
        sequences === 0 ? 0 : layers * kernels.decodeUs(layer, decodeBatch(sequences, contextTokens)),
      DECODE_SEQUENCES,
      DECODE_CONTEXT_TOKENS,
    )
    this.#prefill = kernels.prefillIsLinear(layer)
      ? linearPrefill(model, kernels, layer)
      : new Surface(
          (tokens, pairs) => layers * kernels.prefillUs(layer, sumsOf(tokens, pairs)),
          PREFILL_TOKENS,
          PREFILL_PAIRS,
        )
  }

  decodeUs(shape: StepShape): number {
    if (shape.decodeSequences === 0) return 0
    const seen = this.#seenByDecodes(shape)
    const us = this.#decode.at(shape.decodeSequences, seen)
    return shape.prefillTokens === 0 ? us : Math.max(us, seen * this.#mixedUsPerToken)
  }

  prefillUs(shape: StepShape): number {
    if (shape.prefillTokens === 0) return 0
    const prefill = this.#prefill
    if (prefill instanceof Surface) return prefill.at(shape.prefillTokens, this.#seenPairs(shape))
    return (
      prefill.fixedUs +
      this.#seenPairs(shape) * prefill.perPairUs +
      shape.prefillTokens * prefill.perTokenUs +
      earlierTokens(shape) * prefill.perEarlierTokenUs
    )
  }

  /** Microseconds of the step's attention at peak arithmetic and at peak bandwidth. */
  atPeak(shape: StepShape): { readonly computeUs: number; readonly memoryUs: number } {
    const { gpu } = this.#kernels.rank
    const { layers } = this.#model
    const layer = this.#layer
    const seen = this.#seenByDecodes(shape)
    const flops = seen * layer.decodeFlopsPerPair + this.#seenPairs(shape) * layer.prefillFlopsPerPair
    const expandFlops = earlierTokens(shape) * layer.expandFlops
    const bytes =
      seen * layer.kvBytesPerToken +
      shape.prefillContextTokens * layer.contextBytes +
      shape.prefillTokens * layer.tokenBytes
    return {
      computeUs: layers * (computeUs(gpu, flops, 'bf16') + computeUs(gpu, expandFlops, layer.expandDtype)),
      memoryUs: layers * memoryUs(gpu, bytes),
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

function mixedUsPerToken({ rank }: Kernels, { headDim, kvDtype, queryHeads }: AttentionLayer): number {
  const { mixedMemory } = rank.efficiency.decodeAttention
  if (headDim === undefined || mixedMemory === 0) return 0
  return memoryUs(rank.gpu, 2 * queryHeads * headDim * bytesPerElement[kvDtype]) / mixedMemory
}

/** Microseconds of all layers per unit of what a step sums up. */
interface LinearPrefill {
  readonly fixedUs: number
  readonly perPairUs: number
  readonly perTokenUs: number
  readonly perEarlierTokenUs: number
}

function linearPrefill(model: Model, kernels: Kernels, layer: AttentionLayer): LinearPrefill {
  const us = (sums: PrefillSums) => model.layers * kernels.prefillUs(layer, sums)
  const fixedUs = us({ tokens: 0, pairs: 0, contextTokens: 0 })
  return {
    fixedUs,
    perPairUs: us({ tokens: 0, pairs: 1, contextTokens: 0 }) - fixedUs,
    perTokenUs: us({ tokens: 1, pairs: 0, contextTokens: 1 }) - fixedUs,
    perEarlierTokenUs: us({ tokens: 0, pairs: 0, contextTokens: 1 }) - fixedUs,
  }
}

/**
 * What a knot stands for. Kernels read one context of 128 Ki tokens up to an eighth slower than several as long together, which
 * would make a step with one sequence more look faster; such a context counts as several of 32 Ki.
 */
function decodeBatch(knotSequences: number, contextTokens: number) {
  const sequences = Math.max(knotSequences, Math.ceil(contextTokens / LONGEST_CONTEXT_TOKENS))
  return { sequences, contextTokens }
}

/** What a knot stands for: one token at least, so that few tokens cost what one does, and a pair for each at least. */
function sumsOf(knotTokens: number, knotPairs: number): PrefillSums {
  const tokens = Math.max(1, knotTokens)
  return { tokens, pairs: Math.max(tokens, knotPairs), contextTokens: tokens }
}

function windowTokens(model: Model): number {
  const { attention } = model
  const window = attention.kind === 'grouped_query' ? attention.slidingWindowTokens : undefined
  return window ?? UNLIMITED_TOKENS
}

function earlierTokens(shape: StepShape): number {
  return Math.max(0, shape.prefillContextTokens - shape.prefillTokens)
}
