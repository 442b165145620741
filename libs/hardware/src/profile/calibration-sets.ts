import type { Micros } from '@kvasir/kernel'
import { decodeLayerUs, groupedLayer, prefillLayerUs } from '../attention-layer.js'
import type { Dtype } from '../dtype.js'
import { knownGpu } from '../gpu.js'
import { prefillKvHeads } from '../kernels.js'
import { allReduceUs, productUs } from '../rank-rates.js'
import {
  type AttentionKey,
  collectSets,
  distinct,
  type KernelPoint,
  type KernelSet,
  plainRank,
} from './measured-sets.js'
import type { RatioAxis } from './ratio-grid.js'

/** A line of what `tools/calibrate` measures: the median of several runs of one kernel or copy, microseconds. */
export type CalibrationPoint = ProductPoint | AttentionPoint | AllReducePoint | CopyPoint

interface Timed {
  readonly us: Micros
}

export interface ProductPoint extends Timed {
  readonly kind: 'product'
  readonly dtype: Dtype
  readonly outputs: number
  readonly inputs: number
  readonly tokens: number
}

export interface AttentionPoint extends Timed {
  /** One token for each sequence, or whole prompts without earlier tokens. */
  readonly kind: 'decode_attention' | 'prefill_attention'
  readonly kvDtype: Dtype
  readonly headDim: number
  /** Of one GPU. */
  readonly queryHeads: number
  readonly kvHeads: number
  readonly sequences: number
  /** Of context, its own included, or of prompt; each. */
  readonly tokens: number
}

export interface AllReducePoint extends Timed {
  readonly kind: 'all_reduce'
  readonly gpus: number
  readonly bytes: number
}

/** Between pinned host memory and the GPU. */
export interface CopyPoint extends Timed {
  readonly kind: 'copy'
  readonly direction: 'out' | 'in'
  readonly bytes: number
}

type Of<Kind extends CalibrationPoint['kind']> = Extract<CalibrationPoint, { readonly kind: Kind }>

function ofKind<Kind extends CalibrationPoint['kind']>(
  points: readonly CalibrationPoint[],
  kind: Kind,
): readonly Of<Kind>[] {
  return points.filter((point): point is Of<Kind> => point.kind === kind)
}

/** Knots are the sizes that were measured: a calibration measures few, so that each is one. */
function axesOf(names: readonly string[], points: readonly KernelPoint[]): readonly RatioAxis[] {
  return names.map((name, axis) => ({ name, knots: distinct(points.map(({ sizes }) => sizes[axis])) }))
}

export function calibratedProducts(
  gpu: string,
  points: readonly CalibrationPoint[],
): readonly KernelSet<Dtype>[] {
  const rank = plainRank(knownGpu(gpu), 1)
  return collectSets(ofKind(points, 'product'), ({ dtype, outputs, inputs, tokens, us }) => {
    const matrix = { name: 'measured', outputs, inputs, copies: 1, copiesPerToken: 1, dtype }
    return [dtype, { sizes: [outputs, inputs, tokens], us, rooflineUs: productUs(rank, matrix, tokens) }]
  }).map((set) => ({ ...set, axes: axesOf(['outputs', 'inputs', 'tokens'], set.points) }))
}

export function calibratedDecode(
  gpu: string,
  points: readonly CalibrationPoint[],
): readonly KernelSet<AttentionKey>[] {
  const rank = plainRank(knownGpu(gpu), 1)
  return collectSets(ofKind(points, 'decode_attention'), (point) => {
    const { queryHeads, kvHeads, headDim, kvDtype, sequences, tokens, us } = point
    const batch = { sequences, contextTokens: sequences * tokens }
    const rooflineUs = decodeLayerUs(rank, groupedLayer(point), batch)
    return [
      { headDim, kvDtype },
      { sizes: [queryHeads, kvHeads, sequences, tokens], us, rooflineUs },
    ]
  }).map((set) => ({
    ...set,
    axes: axesOf(['queryHeads', 'kvHeads', 'sequences', 'contextTokens'], set.points),
  }))
}

export function calibratedPrefill(
  gpu: string,
  points: readonly CalibrationPoint[],
): readonly KernelSet<AttentionKey>[] {
  const rank = plainRank(knownGpu(gpu), 1)
  return collectSets(ofKind(points, 'prefill_attention'), (point) => {
    const { queryHeads, kvHeads, headDim, kvDtype, sequences, tokens: length, us } = point
    const tokens = sequences * length
    const sums = { tokens, contextTokens: tokens, pairs: (tokens * (length + 1)) / 2 }
    const rooflineUs = prefillLayerUs(rank, groupedLayer(point), sums)
    const sizes = [queryHeads, prefillKvHeads(kvHeads), sequences, length]
    return [
      { headDim, kvDtype },
      { sizes, us, rooflineUs },
    ]
  }).map((set) => ({ ...set, axes: axesOf(['queryHeads', 'kvHeads', 'sequences', 'tokens'], set.points) }))
}

export function calibratedAllReduce(
  gpu: string,
  points: readonly CalibrationPoint[],
): readonly KernelSet<number>[] {
  return collectSets(ofKind(points, 'all_reduce'), ({ gpus, bytes, us }) => {
    return [gpus, { sizes: [bytes], us, rooflineUs: allReduceUs(plainRank(knownGpu(gpu), gpus), bytes) }]
  }).map((set) => ({ ...set, axes: axesOf(['bytes'], set.points) }))
}

export function calibratedCopies(points: readonly CalibrationPoint[]): readonly CopyPoint[] {
  return ofKind(points, 'copy')
}
