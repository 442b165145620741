import type { Dtype } from '../dtype.js'
import { decodeLayerUs, groupedLayer, prefillLayerUs } from '../attention-layer.js'
import { type Gpu, groupLink, knownGpu } from '../gpu.js'
import { kernelEfficiency } from '../kernel-efficiency.js'
import { allReduceUs, ACTIVATION_BYTES, expertsUs, productUs, type Rank } from '../rank-rates.js'
import { invariant } from '@kvasir/kernel'
import { KV_HEADS_OF_THEIR_OWN, prefillKvHeads } from '../kernels.js'
import type { ExpertLayer } from '../model-matrices.js'
import type { MeasuredTable } from './measured-table.js'
import type { RatioAxis } from './ratio-grid.js'

/** One measurement of one kernel: its sizes on the axes of its profile, what it took, and what the roofline says. */
export interface KernelPoint {
  readonly sizes: readonly number[]
  readonly us: number
  readonly rooflineUs: number
  /** Of attention: the sizes as measured, which the axes may fold together. */
  readonly attention?: AttentionSizes
}

export interface AttentionSizes {
  readonly queryHeads: number
  readonly kvHeads: number
  readonly sequences: number
  /** Tokens of context, or of prompt, each. */
  readonly length: number
}

/** Measurements that share one table of a profile. */
export interface KernelSet<Key> {
  readonly key: Key
  readonly axes: readonly RatioAxis[]
  readonly points: readonly KernelPoint[]
}

export interface AttentionKey {
  readonly headDim: number
  readonly kvDtype: Dtype
}

export interface ExpertKey extends ExpertLayer {
  readonly skewed: boolean
}

export function expertLayerOf({ skewed: _, ...layer }: ExpertKey): ExpertLayer {
  return layer
}

export const octaves = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i))

/** Where kernels change tiles, pairs of knots let the ratio jump: chosen greedily, by what lowered the mean error most. */
const productTokenKnots: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  H100: {
    bf16: [
      1, 12, 96, 224, 225, 256, 257, 512, 513, 1024, 1025, 1280, 1281, 1537, 1792, 1793, 3329, 4353, 8192,
      32768,
    ],
    fp8: [
      1, 2, 14, 48, 80, 96, 128, 129, 160, 224, 768, 769, 1280, 1281, 1792, 1793, 2560, 4352, 8192, 32768,
    ],
  },
  'A100-80GB': { bf16: [1, 4, 16, 32, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 8192] },
}
const QUERY_HEAD_KNOTS: readonly number[] = [1, 4, 16, 64]
const decodeAxes: readonly RatioAxis[] = [
  { name: 'queryHeads', knots: QUERY_HEAD_KNOTS },
  { name: 'kvHeads', knots: octaves(0, 3) },
  { name: 'sequences', knots: octaves(0, 11) },
  { name: 'contextTokens', knots: [2, 16, 64, ...octaves(7, 17)] },
]
const prefillAxes: readonly RatioAxis[] = [
  { name: 'queryHeads', knots: QUERY_HEAD_KNOTS },
  // 64 stands for models whose every query head has keys of its own.
  { name: 'kvHeads', knots: [...octaves(0, 3), KV_HEADS_OF_THEIR_OWN] },
  { name: 'sequences', knots: [1, 4, 16, 64, 256] },
  { name: 'tokens', knots: [1, 16, ...octaves(6, 14)] },
]
export const EXPERT_TOKEN_KNOTS: readonly number[] = [...octaves(0, 12), 16_384]
const ALL_REDUCE_BYTE_KNOTS: readonly number[] = [
  256,
  ...octaves(12, 20),
  ...octaves(22, 29).filter((_, i) => i % 2 === 0),
]

/** A rank of a group, by today's kernels. */
export function plainRank(gpu: Gpu, tp: number): Rank {
  return { gpu, tp, efficiency: kernelEfficiency(gpu, groupLink(gpu, tp)) }
}

/** aic_*_gemm: gemm_dtype, m tokens, n outputs, k inputs. */
export function productSets(gpuName: string, table: MeasuredTable): readonly KernelSet<Dtype>[] {
  const rank = plainRank(knownGpu(gpuName), 1)
  return collect(table, (row): [Dtype, KernelPoint] => {
    const [tokens, outputs, inputs] = ['m', 'n', 'k'].map((column) => table.number(row, column))
    const dtype = dtypeOf(table.text(row, 'gemm_dtype'))
    const matrix = { name: 'measured', outputs, inputs, copies: 1, copiesPerToken: 1, dtype }
    const point = { sizes: [outputs, inputs, tokens], rooflineUs: productUs(rank, matrix, tokens) }
    return [dtype, { ...point, us: table.number(row, 'us') }]
  }).map(({ key, points }) => ({ key, points, axes: productAxes(gpuName, key, points) }))
}

function productAxes(gpu: string, dtype: Dtype, points: readonly KernelPoint[]): readonly RatioAxis[] {
  const tokens = productTokenKnots[gpu]?.[dtype]
  invariant(tokens !== undefined, () => `no knots for products of ${dtype} on ${gpu}`)
  return [
    { name: 'outputs', knots: distinct(points.map((point) => point.sizes[0])) },
    { name: 'inputs', knots: distinct(points.map((point) => point.sizes[1])) },
    { name: 'tokens', knots: tokens },
  ]
}

/** aic_*_attn_generation: one token a sequence, `step` tokens already cached; heads are per GPU. */
export function decodeSets(gpuName: string, table: MeasuredTable): readonly KernelSet<AttentionKey>[] {
  const rank = plainRank(knownGpu(gpuName), 1)
  return collect(table, (row): [AttentionKey, KernelPoint] => {
    const sequences = table.number(row, 'batch_size')
    const context = table.number(row, 'step') + 1
    const layer = layerOf(table, row)
    const rooflineUs = decodeLayerUs(rank, layer, { sequences, contextTokens: sequences * context })
    const { queryHeads, kvHeads } = layer
    const attention = { queryHeads, kvHeads, sequences, length: context }
    const sizes = [queryHeads, kvHeads, sequences, context]
    return [attentionKey(table, row), { sizes, us: table.number(row, 'us'), rooflineUs, attention }]
  }).map((set) => ({ ...set, axes: decodeAxes }))
}

/** aic_*_attn_context: prompts of `isl` tokens each, nothing cached; heads are per GPU. */
export function prefillSets(gpuName: string, table: MeasuredTable): readonly KernelSet<AttentionKey>[] {
  const rank = plainRank(knownGpu(gpuName), 1)
  return collect(table, (row): [AttentionKey, KernelPoint] => {
    const sequences = table.number(row, 'batch_size')
    const length = table.number(row, 'isl')
    const layer = layerOf(table, row)
    const tokens = sequences * length
    const sums = { tokens, contextTokens: tokens, pairs: (tokens * (length + 1)) / 2 }
    const rooflineUs = prefillLayerUs(rank, layer, sums)
    const { queryHeads, kvHeads } = layer
    const attention = { queryHeads, kvHeads, sequences, length }
    const sizes = [queryHeads, prefillKvHeads(kvHeads), sequences, length]
    return [attentionKey(table, row), { sizes, us: table.number(row, 'us'), rooflineUs, attention }]
  }).map((set) => ({ ...set, axes: prefillAxes }))
}

/** aic_*_moe: the fused experts of one layer. */
export function expertSets(gpuName: string, table: MeasuredTable): readonly KernelSet<ExpertKey>[] {
  const rank = plainRank(knownGpu(gpuName), 1)
  return collect(table, (row): [ExpertKey, KernelPoint] => {
    const key = {
      dtype: dtypeOf(table.text(row, 'moe_dtype')),
      hiddenSize: table.number(row, 'hidden_size'),
      intermediateSize: table.number(row, 'inter_size'),
      experts: table.number(row, 'num_experts'),
      expertsPerToken: table.number(row, 'topk'),
      tp: table.number(row, 'moe_tp_size'),
      ep: table.number(row, 'moe_ep_size'),
      skewed: table.text(row, 'distribution') !== 'balanced',
    }
    const tokens = table.number(row, 'num_tokens')
    return [key, { sizes: [tokens], us: table.number(row, 'us'), rooflineUs: expertsUs(rank, key, tokens) }]
  }).map((set) => ({ ...set, axes: [{ name: 'tokens', knots: EXPERT_TOKEN_KNOTS }] }))
}

/** Kernels of aic_collectives: what of a row must match. The message is counted in elements of 16 bit. */
export interface AllReduceChoice {
  readonly device: string
  readonly version: string
  readonly kernel: string
}

export function allReduceSets(
  gpuName: string,
  table: MeasuredTable,
  choice: AllReduceChoice,
): readonly KernelSet<number>[] {
  const gpu = knownGpu(gpuName)
  return collect(table, (row): [number, KernelPoint] | undefined => {
    const wanted =
      table.text(row, 'device') === choice.device &&
      table.text(row, 'version') === choice.version &&
      table.text(row, 'kernel') === choice.kernel &&
      table.text(row, 'op') === 'all_reduce'
    if (!wanted) return undefined
    const gpus = table.number(row, 'gpus')
    const bytes = table.number(row, 'elements_or_bytes') * ACTIVATION_BYTES
    const rooflineUs = allReduceUs(plainRank(gpu, gpus), bytes)
    return [gpus, { sizes: [bytes], us: table.number(row, 'us'), rooflineUs }]
  }).map((set) => ({ ...set, axes: [{ name: 'bytes', knots: ALL_REDUCE_BYTE_KNOTS }] }))
}

function layerOf(table: MeasuredTable, row: number) {
  return groupedLayer({
    queryHeads: table.number(row, 'num_heads'),
    kvHeads: table.number(row, 'num_key_value_heads'),
    ...attentionKey(table, row),
  })
}

function attentionKey(table: MeasuredTable, row: number): AttentionKey {
  return { headDim: table.number(row, 'head_dim'), kvDtype: dtypeOf(table.text(row, 'kv_cache_dtype')) }
}

function dtypeOf(name: string): Dtype {
  if (name === 'bfloat16') return 'bf16'
  invariant(name === 'fp8', () => `measured in ${name}: bfloat16 or fp8 is known`)
  return name
}

export function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b)
}

function collect<Key>(table: MeasuredTable, read: (row: number) => [Key, KernelPoint] | undefined) {
  return collectSets(
    Array.from({ length: table.length }, (_, row) => row),
    read,
  )
}

/** Points by key, in the order in which keys first appear. */
export function collectSets<Row, Key>(
  rows: readonly Row[],
  read: (row: Row) => [Key, KernelPoint] | undefined,
): readonly { readonly key: Key; readonly points: readonly KernelPoint[] }[] {
  const sets = new Map<string, { key: Key; points: KernelPoint[] }>()
  for (const row of rows) {
    const entry = read(row)
    if (entry === undefined) continue
    const [key, point] = entry
    const name = JSON.stringify(key)
    const set = sets.get(name)
    if (set === undefined) sets.set(name, { key, points: [point] })
    else set.points.push(point)
  }
  return [...sets.values()]
}
