import { invariant, type Tokens } from '@kvasir/kernel'
import type { Dtype } from './dtype.js'
import { models } from './model-catalogue.js'
import { NameIndex, type Named, type UnknownName } from './name-index.js'

/**
 * One model's published shape: the numbers of its config.json and nothing that follows from them. Parameters, bytes and
 * FLOPs are derived (`model-size.ts`).
 */
export interface Model extends Named {
  readonly layers: number
  readonly hiddenSize: number
  readonly attention: Attention
  readonly feedForward: FeedForward
  readonly vocabularySize: number
  /** Whether the output projection is the embedding table itself. */
  readonly tiedEmbeddings: boolean
  readonly contextTokensMax: Tokens
  /** Format of the layers' linear weights; embeddings, norms, routers and the output projection stay 16 bit. */
  readonly weightDtype: Dtype
  readonly kvDtype: Dtype
}

export type Attention = GroupedQueryAttention | LatentAttention

/** Several query heads read one key-value head (Ainslie et al. 2023); kvHeads = queryHeads is plain multi-head attention. */
export interface GroupedQueryAttention {
  readonly kind: 'grouped_query'
  readonly queryHeads: number
  readonly kvHeads: number
  readonly headDim: number
  /** A bias on the query, key and value projections. */
  readonly qkvBias: boolean
  /** A norm per head on queries and keys. */
  readonly qkNorm: boolean
  /** A query sees this many tokens back, itself included; absent: all. */
  readonly slidingWindowTokens?: Tokens
}

/** Keys and values are compressed into one latent vector that all heads share (MLA, DeepSeek-V2, section 2.1). */
export interface LatentAttention {
  readonly kind: 'latent'
  readonly queryHeads: number
  readonly queryRank: number
  readonly kvRank: number
  /** Key dimensions without and with rotary position. */
  readonly plainKeyDim: number
  readonly rotaryKeyDim: number
  readonly valueDim: number
}

export type FeedForward = DenseFeedForward | ExpertFeedForward

/** Gate, up and down projection (SwiGLU). */
export interface DenseFeedForward {
  readonly kind: 'dense'
  readonly intermediateSize: number
}

export interface ExpertFeedForward {
  readonly kind: 'experts'
  readonly experts: number
  readonly expertsPerToken: number
  /** Experts that every token takes besides the routed ones. */
  readonly sharedExperts: number
  readonly expertIntermediateSize: number
  /** Layers at the bottom that are dense, and their width. */
  readonly leadingDenseLayers: number
  readonly denseIntermediateSize: number
}

export type ModelLookup =
  | { readonly kind: 'found'; readonly model: Model }
  | ({ readonly kind: 'unknown_model' } & UnknownName)

const index = new NameIndex(models)
const checkpointSuffix = /-(instruct|chat|hf|it|base)$/i
const fp8Suffix = /-fp8$/i

/**
 * Finds a model by name, alias or Hugging Face id; `-Instruct` and the like are ignored. `-FP8` at the end asks for the
 * model with 8-bit weights, which half the checkpoints in service are.
 */
export function modelByName(name: string): ModelLookup {
  const model = index.find(name)
  if (model !== undefined) return { kind: 'found', model }
  for (const suffix of [fp8Suffix, checkpointSuffix]) {
    if (!suffix.test(name)) continue
    const lookup = modelByName(name.replace(suffix, ''))
    if (lookup.kind === 'unknown_model') break
    return suffix === fp8Suffix ? { kind: 'found', model: inFp8(lookup.model) } : lookup
  }
  return { kind: 'unknown_model', ...index.refusal(name) }
}

/**
 * For names written in code; names from outside go through `modelByName`.
 * @throws {InvariantError} when the catalogue does not have it.
 */
export function knownModel(name: string): Model {
  const lookup = modelByName(name)
  invariant(lookup.kind === 'found', () => `no model ${name}; near: ${index.refusal(name).near.join(', ')}`)
  return lookup.model
}

/** The same model served in other number formats. */
export function withDtypes(model: Model, dtypes: { readonly weight?: Dtype; readonly kv?: Dtype }): Model {
  return { ...model, weightDtype: dtypes.weight ?? model.weightDtype, kvDtype: dtypes.kv ?? model.kvDtype }
}

function inFp8(model: Model): Model {
  return model.weightDtype === 'fp8'
    ? model
    : { ...withDtypes(model, { weight: 'fp8' }), name: `${model.name}-FP8` }
}
