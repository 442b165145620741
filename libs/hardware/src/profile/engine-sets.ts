import { invariant } from '@kvasir/kernel'
import { decodeLayerUs, groupedLayer, prefillLayerUs } from '../attention-layer.js'
import type { Dtype } from '../dtype.js'
import { knownGpu } from '../gpu.js'
import { knownModel, type Model } from '../model.js'
import {
  type ExpertLayer,
  headMatrix,
  layerGroups,
  routedExperts,
  type WeightMatrix,
} from '../model-matrices.js'
import { copiesTouched, expertsUs, productUs, type Rank } from '../rank-rates.js'
import { elementwiseBytes, smallKernelsUs } from '../small-kernels.js'
import {
  type AttentionKey,
  EXPERT_TOKEN_KNOTS,
  type ExpertKey,
  type KernelPoint,
  type KernelSet,
  octaves,
  plainRank,
} from './measured-sets.js'
import type { MeasuredTable } from './measured-table.js'
import type { RatioAxis } from './ratio-grid.js'

/** llmservingsim_*: kernels of one card as vLLM 0.19 runs them, in the shapes of a few models at a few TP degrees. */
export interface EngineTables {
  readonly gpu: string
  /** As the tables spell it. */
  readonly hardware: string
  readonly measuredWith: string
  readonly source: string
  readonly fittedOn: string
  readonly dense: MeasuredTable
  readonly perSequence: MeasuredTable
  readonly attention: MeasuredTable
  readonly experts: MeasuredTable
}

/** All that were measured up to 288, where batches of decodes lie; beyond, pairs of knots where kernels change tiles. */
const PRODUCT_TOKEN_KNOTS: readonly number[] = [
  1, 4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 272, 288,
  320, 352, 384, 400, 448, 512, 528, 576, 640, 768, 784, 896, 1024, 1040, 1152, 1280, 1536, 1792, 2048,
]
const ELEMENTWISE_BYTE_KNOTS: readonly number[] = octaves(16, 30)
const SEQUENCE_KNOTS: readonly number[] = octaves(0, 8)
const TOKEN_KNOTS: readonly number[] = octaves(4, 14)

const matrixOfLayer: ReadonlyMap<string, string> = new Map([
  ['qkv_proj', 'query_key_value'],
  ['o_proj', 'attention_output'],
  ['gate_up_proj', 'gate_up'],
  ['down_proj', 'down'],
])

/** Small kernels of a layer, and how often each runs. */
const smallKernels: ReadonlyMap<string, number> = new Map([
  ['layernorm', 2],
  ['rotary_emb', 1],
  ['act_fn', 1],
  ['qk_norm', 1],
])

/** One row's model and rank. */
interface Shape {
  readonly model: Model
  readonly rank: Rank
}

export function engineProductSet({ gpu, hardware, dense, perSequence }: EngineTables): KernelSet<Dtype> {
  const points: KernelPoint[] = []
  const add = ({ rank }: Shape, matrix: WeightMatrix, tokens: number, us: number) => {
    const rooflineUs = productUs(rank, matrix, tokens)
    points.push({ sizes: [matrix.outputs, matrix.inputs, tokens], us, rooflineUs })
  }
  for (const row of rowsOf(dense, hardware)) {
    const shape = shapeOf(gpu, dense, row)
    const name = matrixOfLayer.get(dense.text(row, 'layer'))
    const matrix = layerGroups(shape.model, shape.rank.tp)[0].matrices.find(
      (candidate) => candidate.name === name,
    )
    if (matrix !== undefined) add(shape, matrix, dense.number(row, 'tokens'), dense.number(row, 'time_us'))
  }
  for (const row of rowsOf(perSequence, hardware)) {
    if (perSequence.text(row, 'layer') !== 'lm_head') continue
    const shape = shapeOf(gpu, perSequence, row)
    const matrix = headMatrix(shape.model, shape.rank.tp)
    add(shape, matrix, perSequence.number(row, 'sequences'), perSequence.number(row, 'time_us'))
  }
  const axes = [
    { name: 'outputs', knots: distinct(points.map(({ sizes }) => sizes[0])) },
    { name: 'inputs', knots: distinct(points.map(({ sizes }) => sizes[1])) },
    { name: 'tokens', knots: PRODUCT_TOKEN_KNOTS },
  ]
  return { key: 'bf16', axes, points }
}

export function engineDecodeSet({ gpu, hardware, attention }: EngineTables): KernelSet<AttentionKey> {
  const points = rowsOf(attention, hardware).flatMap((row): KernelPoint[] => {
    const sequences = attention.number(row, 'n_decode')
    const context = attention.number(row, 'kv_decode')
    if (attention.number(row, 'prefill_chunk') !== 0 || sequences * context === 0) return []
    const shape = shapeOf(gpu, attention, row)
    const layer = layerOf(shape)
    const rooflineUs = decodeLayerUs(shape.rank, layer, { sequences, contextTokens: sequences * context })
    const { queryHeads, kvHeads } = layer
    return [
      { sizes: [queryHeads, kvHeads, sequences, context], us: attention.number(row, 'time_us'), rooflineUs },
    ]
  })
  return { key: HEAD_KEY, axes: attentionAxes(points, 'contextTokens'), points }
}

/** Whole prompts, alone: what comes after cached tokens follows from them. */
export function enginePrefillSet({ gpu, hardware, attention }: EngineTables): KernelSet<AttentionKey> {
  const points = rowsOf(attention, hardware).flatMap((row): KernelPoint[] => {
    const tokens = attention.number(row, 'prefill_chunk')
    if (tokens === 0 || attention.number(row, 'kv_prefill') !== 0 || attention.number(row, 'n_decode') !== 0)
      return []
    const shape = shapeOf(gpu, attention, row)
    const layer = layerOf(shape)
    const sums = { tokens, contextTokens: tokens, pairs: (tokens * (tokens + 1)) / 2 }
    const { queryHeads, kvHeads } = layer
    const rooflineUs = prefillLayerUs(shape.rank, layer, sums)
    return [{ sizes: [queryHeads, kvHeads, 1, tokens], us: attention.number(row, 'time_us'), rooflineUs }]
  })
  return { key: HEAD_KEY, axes: attentionAxes(points, 'tokens'), points }
}

/** Ranks that may divide the experts among them. */
const EXPERT_RANKS: readonly number[] = octaves(0, 3)

/**
 * The table has the time of so many tokens whose visits all go to so many experts. A rank that holds one `ep`-th of the experts sees
 * one `ep`-th of the visits, and of its experts as many as even choices touch on average; the table is linear between them.
 */
export function engineExpertSets(tables: EngineTables): readonly KernelSet<ExpertKey>[] {
  const { gpu, hardware, experts } = tables
  const times = new Map<string, Map<number, Map<number, number>>>()
  for (const row of rowsOf(experts, hardware)) {
    const name = experts.text(row, 'model')
    const ofModel = times.get(name) ?? new Map<number, Map<number, number>>()
    times.set(name, ofModel)
    const tokens = experts.number(row, 'tokens')
    const byExperts = ofModel.get(tokens) ?? new Map<number, number>()
    ofModel.set(tokens, byExperts)
    byExperts.set(experts.number(row, 'activated_experts'), experts.number(row, 'time_us'))
  }
  const rank = plainRank(knownGpu(gpu), 1)
  return [...times].flatMap(([name, ofModel]) =>
    EXPERT_RANKS.map((ep) => {
      const layer = expertLayerOf(modelOf(name), ep)
      const [held] = routedExperts(layer)
      const points = [...ofModel].map(([tokens, byExperts]): KernelPoint => {
        const ofGroup = tokens * ep
        const us = between(byExperts, copiesTouched(held, ofGroup))
        return { sizes: [ofGroup], us, rooflineUs: expertsUs(rank, layer, ofGroup) }
      })
      const axes = [{ name: 'tokens', knots: EXPERT_TOKEN_KNOTS }]
      return { key: { ...layer, skewed: false }, axes, points }
    }),
  )
}

function expertLayerOf(model: Model, ep: number): ExpertLayer {
  const layer = layerGroups(model, ep, { expertSplit: 'expert' }).at(-1)?.experts
  invariant(layer !== undefined, () => `${model.name} has no experts`)
  return layer
}

/** Linear between what is known, and the nearest beyond it. */
function between(values: ReadonlyMap<number, number>, at: number): number {
  const known = [...values].toSorted(([a], [b]) => a - b)
  const above = known.findIndex(([argument]) => argument >= at)
  const [high, highValue] = known.at(above) ?? [at, Number.NaN]
  if (above <= 0) return highValue
  const [low, lowValue] = known[above - 1]
  return lowValue + ((highValue - lowValue) * (at - low)) / (high - low)
}

/** All small kernels of a layer together, by the bytes they move. */
export function engineSmallKernelSet({ gpu, hardware, dense }: EngineTables): KernelSet<undefined> {
  const sums = new Map<string, { readonly shape: Shape; readonly tokens: number; us: number }>()
  for (const row of rowsOf(dense, hardware)) {
    const times = smallKernels.get(dense.text(row, 'layer'))
    const shape = shapeOf(gpu, dense, row)
    // Of experts the activation is part of their own kernel.
    if (times === undefined || shape.model.feedForward.kind === 'experts') continue
    const tokens = dense.number(row, 'tokens')
    const key = `${shape.model.name}/${shape.rank.tp}/${tokens}`
    const sum = sums.get(key) ?? { shape, tokens, us: 0 }
    sum.us += times * dense.number(row, 'time_us')
    sums.set(key, sum)
  }
  const points = [...sums.values()].map(({ shape, tokens, us }) => {
    const { model, rank } = shape
    const bytes = elementwiseBytes(model, layerGroups(model, rank.tp)[0], tokens)
    return { sizes: [bytes], us, rooflineUs: smallKernelsUs(rank, bytes) }
  })
  return { key: undefined, axes: [{ name: 'bytes', knots: ELEMENTWISE_BYTE_KNOTS }], points }
}

/** All models of the tables have heads of 128 and 16-bit keys and values. */
const HEAD_KEY: AttentionKey = { headDim: 128, kvDtype: 'bf16' }

function attentionAxes(points: readonly KernelPoint[], last: string): readonly RatioAxis[] {
  const heads = (axis: number) => distinct(points.map(({ sizes }) => sizes[axis]))
  const sequences = last === 'tokens' ? [1] : SEQUENCE_KNOTS
  return [
    { name: 'queryHeads', knots: heads(0) },
    { name: 'kvHeads', knots: heads(1) },
    { name: 'sequences', knots: sequences },
    { name: last, knots: TOKEN_KNOTS },
  ]
}

function rowsOf(table: MeasuredTable, hardware: string): readonly number[] {
  return Array.from({ length: table.length }, (_, row) => row).filter(
    (row) => table.text(row, 'hw') === hardware,
  )
}

function shapeOf(gpu: string, table: MeasuredTable, row: number): Shape {
  const model = modelOf(table.text(row, 'model'))
  return { model, rank: { ...plainRank(knownGpu(gpu), 1), tp: table.number(row, 'tp') } }
}

/** `path` begins with the name of its maker. */
function modelOf(path: string): Model {
  return knownModel(path.slice(path.indexOf('/') + 1))
}

function layerOf({ model, rank }: Shape) {
  const { attention } = model
  invariant(attention.kind === 'grouped_query', () => `${model.name} has no grouped queries`)
  const queryHeads = attention.queryHeads / rank.tp
  return groupedLayer({ queryHeads, kvHeads: Math.ceil(attention.kvHeads / rank.tp), ...HEAD_KEY })
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}
