import { invariant } from '@kvasir/kernel'
import type { Dtype } from '../dtype.js'
import { groupedLayer } from '../attention-layer.js'
import { profiledKernels } from '../cost-source.js'
import { knownGpu } from '../gpu.js'
import { type Kernels, ProfiledKernels } from '../kernels.js'
import { type Accuracy, accuracyOf, type Prediction } from './accuracy.js'
import type { ExpertChoice } from './expert-ratios.js'
import { fitAttention, fitExperts, fitProducts, predictionOf } from './fit-profile.js'
import type { ExpertProfiles, KernelProfile } from './kernel-profile.js'
import {
  type AllReduceChoice,
  allReduceSets,
  type AttentionKey,
  decodeSets,
  type ExpertKey,
  expertLayerOf,
  expertSets,
  type KernelPoint,
  type KernelSet,
  plainRank,
  prefillSets,
  productSets,
} from './measured-sets.js'
import type { MeasuredTable } from './measured-table.js'
import { RatioGrid, type RatioTable } from './ratio-grid.js'
import { validateSteps } from './validate-steps.js'

/** How well one measured set is predicted. */
export interface SetAccuracy extends Accuracy {
  readonly set: string
  /** Whether the numbers predicted were among those fitted to. */
  readonly basis: 'fitted' | 'held-out'
  /** For held-out figures: what was kept from the fit. */
  readonly heldOut?: string
  /** Mean absolute error that must not be exceeded. */
  readonly ceiling?: number
}

interface Machine {
  readonly gpu: string
  readonly device: string
  readonly allReduce: AllReduceChoice
  readonly ceilings: Readonly<Partial<Record<string, number>>>
}

const graph = 'vLLM_custom_graph'
const machines: readonly Machine[] = [
  {
    gpu: 'H100',
    device: 'h100_sxm',
    allReduce: { device: 'h100_sxm', version: '0.24.0', kernel: graph },
    ceilings: {
      'products bf16': 0.05,
      'products fp8': 0.09,
      decode: 0.06,
      prefill: 0.065,
      'all-reduce': 0.05,
      experts: 0.1,
    },
  },
  {
    gpu: 'A100-80GB',
    device: 'a100_sxm',
    allReduce: { device: 'a100_sxm', version: '0.14.0', kernel: graph },
    ceilings: {},
  },
]

/**
 * Predictions of the shipped profiles beside measurements, and of profiles fitted to a part of them beside the rest. `tables` are
 * named as the files of the shared data without `.csv.gz`; sets whose table is missing are left out. Takes some ten seconds.
 */
export function validateKernels(tables: ReadonlyMap<string, MeasuredTable>): readonly SetAccuracy[] {
  return [
    ...machines.flatMap((machine) => validateMachine(machine, tables)),
    ...validateAcrossGpus(tables),
    ...validateSteps(tables.get('splitwise_perf_model')),
  ]
}

function validateMachine(machine: Machine, tables: ReadonlyMap<string, MeasuredTable>): SetAccuracy[] {
  const table = (name: string) => tables.get(`aic_${machine.device}_vllm_${name}`)
  const products = table('gemm')
  const decode = table('attn_generation')
  const prefill = table('attn_context')
  const experts = table('moe')
  const collectives = tables.get('aic_collectives')
  return [
    ...(products === undefined
      ? []
      : productSets(machine.gpu, products).flatMap((set) => validateProducts(machine, set))),
    ...(decode === undefined
      ? []
      : decodeSets(machine.gpu, decode).flatMap((set) => validateAttention(machine, 'decode', set))),
    ...(prefill === undefined
      ? []
      : prefillSets(machine.gpu, prefill).flatMap((set) => validateAttention(machine, 'prefill', set))),
    ...(experts === undefined ? [] : validateExperts(machine, expertSets(machine.gpu, experts))),
    ...(collectives === undefined ? [] : validateAllReduce(machine, collectives)),
  ]
}

function validateProducts(machine: Machine, set: KernelSet<Dtype>): readonly SetAccuracy[] {
  const name = `products ${set.key}`
  const kernels = shippedKernels(machine.gpu, 1)
  const [outputs, inputs, tokens] = set.axes
  const shipped = (point: KernelPoint) => {
    const [n, k, m] = point.sizes
    const matrix = { name, outputs: n, inputs: k, copies: 1, copiesPerToken: 1, dtype: set.key }
    return kernels.productUs(matrix, m)
  }
  // Every fifth shape, spread over the grid.
  const fifth = (point: KernelPoint) =>
    (outputs.knots.indexOf(point.sizes[0]) + 2 * inputs.knots.indexOf(point.sizes[1])) % 5 === 0
  const offKnots = (point: KernelPoint) => !tokens.knots.includes(point.sizes[2])
  const refit = (points: readonly KernelPoint[]) => fitProducts({ ...set, points }).table
  return [
    fittedSet(machine, name, set.points, shipped),
    heldOutSet(machine, name, 'every fifth shape', set.points, fifth, refit),
    heldOutSet(machine, name, 'token counts between the knots', set.points, offKnots, refit),
  ]
}

function validateAttention(
  machine: Machine,
  phase: 'decode' | 'prefill',
  set: KernelSet<AttentionKey>,
): readonly SetAccuracy[] {
  const name = `${phase} attention, head ${set.key.headDim}, KV ${set.key.kvDtype}`
  const kernels = shippedKernels(machine.gpu, 1)
  const layers = new Map<string, ReturnType<typeof groupedLayer>>()
  const shipped = (point: KernelPoint) => {
    const sizes = point.attention
    invariant(sizes !== undefined, () => `a point of ${name} without its sizes`)
    const { queryHeads, kvHeads, sequences, length } = sizes
    const layerName = `${queryHeads}/${kvHeads}`
    const layer = layers.get(layerName) ?? groupedLayer({ queryHeads, kvHeads, ...set.key })
    layers.set(layerName, layer)
    const tokens = sequences * length
    return phase === 'decode'
      ? kernels.decodeUs(layer, { sequences, contextTokens: tokens })
      : kernels.prefillUs(layer, { tokens, contextTokens: tokens, pairs: (tokens * (length + 1)) / 2 })
  }
  const heads = [...new Set(set.points.map((point) => point.sizes[0]))].sort((a, b) => a - b)
  const otherHeads = (point: KernelPoint) => heads.indexOf(point.sizes[0]) % 3 === 1
  const lengths = set.axes[3].knots
  const otherLengths = (point: KernelPoint) =>
    phase === 'decode' ? lengths.indexOf(point.sizes[3]) % 3 === 1 : !lengths.includes(point.sizes[3])
  const refit = (points: readonly KernelPoint[]) => fitAttention({ ...set, points }).table
  return [
    fittedSet(machine, name, set.points, shipped, phase),
    heldOutSet(machine, name, 'every third number of query heads', set.points, otherHeads, refit),
    heldOutSet(
      machine,
      name,
      phase === 'decode' ? 'every third context length' : 'lengths between the knots',
      set.points,
      otherLengths,
      refit,
    ),
  ]
}

function validateExperts(machine: Machine, sets: readonly KernelSet<ExpertKey>[]): readonly SetAccuracy[] {
  const results: SetAccuracy[] = []
  for (const dtype of ['bf16', 'fp8'] as const) {
    const alike = sets.filter((set) => set.key.dtype === dtype)
    if (alike.length === 0) continue
    const name = `experts ${dtype}`
    const shipped = (choice: ExpertChoice) => shippedKernels(machine.gpu, 1, choice)
    const byChoice = [false, true].map((skewed) => shipped({ skew: skewed ? 1 : 0, fp8: 'per_tensor' }))
    const predictions = alike.flatMap((set) => expertPredictions(set, byChoice[set.key.skewed ? 1 : 0]))
    results.push(asSet(machine, name, 'fitted', predictions, 'experts'))
    results.push(
      asSet(machine, name, 'held-out', heldOutExperts(machine, alike), undefined, 'each model in turn'),
    )
  }
  return results
}

function expertPredictions(set: KernelSet<ExpertKey>, kernels: Kernels): readonly Prediction[] {
  const layer = expertLayerOf(set.key)
  return set.points.map((point) => ({
    measuredUs: point.us,
    predictedUs: kernels.expertsUs(layer, point.sizes[0]),
    at: () => `${JSON.stringify(set.key)} ${point.sizes[0]} tokens`,
  }))
}

/** Each model's layers by those of the other models. */
function heldOutExperts(machine: Machine, sets: readonly KernelSet<ExpertKey>[]): readonly Prediction[] {
  const modelOf = ({ key }: KernelSet<ExpertKey>) =>
    [key.hiddenSize, key.intermediateSize, key.experts, key.expertsPerToken].join('/')
  const models = new Set(sets.map(modelOf))
  const rank = plainRank(knownGpu(machine.gpu), 1)
  return [...models].flatMap((model) => {
    const experts = fitExperts(sets.filter((set) => modelOf(set) !== model))
    return [false, true].flatMap((skewed) => {
      const choice = { skew: skewed ? 1 : 0, fp8: 'per_tensor' } as const
      const kernels = new ProfiledKernels(rank, onlyExperts(experts), choice)
      const own = sets.filter((set) => modelOf(set) === model && set.key.skewed === skewed)
      return own.flatMap((set) => expertPredictions(set, kernels))
    })
  })
}

function onlyExperts(experts: ExpertProfiles): KernelProfile {
  return {
    gpu: '',
    measuredWith: '',
    source: '',
    fittedOn: '',
    products: [],
    decodeAttention: [],
    prefillAttention: [],
    allReduce: [],
    experts,
  }
}

/** The version fitted to, and the other versions of the same kernel. */
function validateAllReduce(machine: Machine, table: MeasuredTable): readonly SetAccuracy[] {
  const predictions = (version: string, device: string, gpu: string) =>
    allReduceSets(gpu, table, { ...machine.allReduce, version, device }).flatMap((set) => {
      const kernels = shippedKernels(gpu, set.key)
      return set.points.map((point) => ({
        measuredUs: point.us,
        predictedUs: kernels.allReduceUs(point.sizes[0]),
        at: () => `${set.key} GPUs, ${point.sizes[0]} bytes`,
      }))
    })
  const { version, device } = machine.allReduce
  const fitted = predictions(version, device, machine.gpu)
  const results = [asSet(machine, 'all-reduce', 'fitted', fitted, 'all-reduce')]
  if (machine.gpu !== 'H100') return results
  const others = ['0.14.0', '0.19.0'].flatMap((other) => predictions(other, device, machine.gpu))
  const elsewhere = predictions(version, 'h200_sxm', 'H200')
  results.push(asSet(machine, 'all-reduce', 'held-out', others, undefined, 'vLLM 0.14 and 0.19'))
  results.push(asSet(machine, 'all-reduce', 'held-out', elsewhere, undefined, 'H200, by the profile of H100'))
  return results
}

/** A100's kernels by its own roofline and the ratios of H100: what an unprofiled GPU gets. */
function validateAcrossGpus(tables: ReadonlyMap<string, MeasuredTable>): readonly SetAccuracy[] {
  const gpu = 'A100-80GB'
  const of = (name: string) => tables.get(`aic_a100_sxm_vllm_${name}`)
  const h100 = profiledKernels('H100')
  const results: SetAccuracy[] = []
  const add = (name: string, points: readonly KernelPoint[], table: RatioTable | undefined) => {
    if (table === undefined) return
    const grid = new RatioGrid(table)
    const predictions = points.map((point) => predictionOf(point, grid))
    results.push({
      ...accuracyOf(predictions),
      set: `A100 ${name}`,
      basis: 'held-out',
      heldOut: 'the GPU: roofline of A100, ratios of H100',
    })
  }
  const products = of('gemm')
  const decode = of('attn_generation')
  const prefill = of('attn_context')
  const sameKey = (key: AttentionKey) => (profile: AttentionKey) =>
    profile.headDim === key.headDim && profile.kvDtype === key.kvDtype
  for (const set of products === undefined ? [] : productSets(gpu, products))
    add(`products ${set.key}`, set.points, h100.products.find((profile) => profile.dtype === set.key)?.table)
  for (const set of decode === undefined ? [] : decodeSets(gpu, decode))
    add('decode attention', set.points, h100.decodeAttention.find(sameKey(set.key))?.table)
  for (const set of prefill === undefined ? [] : prefillSets(gpu, prefill))
    add('prefill attention', set.points, h100.prefillAttention.find(sameKey(set.key))?.table)
  return results
}

function shippedKernels(
  gpu: string,
  tp: number,
  experts: ExpertChoice = { skew: 0, fp8: 'per_tensor' },
): Kernels {
  const name = gpu === 'H200' ? 'H100' : gpu
  return new ProfiledKernels(plainRank(knownGpu(gpu), tp), profiledKernels(name), experts)
}

function fittedSet(
  machine: Machine,
  name: string,
  points: readonly KernelPoint[],
  predict: (point: KernelPoint) => number,
  ceiling = name,
): SetAccuracy {
  const predictions = points.map((point) => ({
    measuredUs: point.us,
    predictedUs: predict(point),
    at: () => point.sizes.join(' x '),
  }))
  return asSet(machine, name, 'fitted', predictions, ceiling)
}

function heldOutSet(
  machine: Machine,
  name: string,
  what: string,
  points: readonly KernelPoint[],
  kept: (point: KernelPoint) => boolean,
  refit: (points: readonly KernelPoint[]) => RatioTable,
): SetAccuracy {
  const grid = new RatioGrid(refit(points.filter((point) => !kept(point))))
  const predictions = points.filter(kept).map((point) => predictionOf(point, grid))
  return asSet(machine, name, 'held-out', predictions, undefined, what)
}

function asSet(
  machine: Machine,
  name: string,
  basis: SetAccuracy['basis'],
  predictions: readonly Prediction[],
  ceilingName?: string,
  heldOut?: string,
): SetAccuracy {
  const ceiling = ceilingName === undefined ? undefined : machine.ceilings[ceilingName]
  return {
    ...accuracyOf(predictions),
    set: `${machine.gpu} ${name}`,
    basis,
    ...(heldOut === undefined ? {} : { heldOut }),
    ...(ceiling === undefined ? {} : { ceiling }),
  }
}
