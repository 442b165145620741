import type { Dtype } from '../dtype.js'
import { knownGpu } from '../gpu.js'
import { hostPresets } from '../host-preset.js'
import { accuracyOf } from './accuracy.js'
import {
  engineDecodeSet,
  engineExpertSets,
  enginePrefillSet,
  engineProductSet,
  engineSmallKernelSet,
  type EngineTables,
} from './engine-sets.js'
import { fitRatioTable } from './fit-grid.js'
import type {
  AllReduceProfile,
  AttentionProfile,
  ExpertProfile,
  ExpertProfiles,
  Fit,
  KernelProfile,
  ProductProfile,
  StepProfile,
} from './kernel-profile.js'
import type { MeasuredTable } from './measured-table.js'
import {
  type AllReduceChoice,
  allReduceSets,
  type AttentionKey,
  decodeSets,
  EXPERT_TOKEN_KNOTS,
  type ExpertKey,
  expertSets,
  type KernelPoint,
  type KernelSet,
  prefillSets,
  productSets,
} from './measured-sets.js'
import { RatioGrid, type RatioTable } from './ratio-grid.js'
import { DGX_HOST, DGX_MODEL, dgxCost, dgxSteps, STEP_AXES, type StepPoint } from './step-sets.js'

/** Measured tables of one kind of GPU, and what to say about them. */
export interface KernelTables {
  readonly gpu: string
  readonly measuredWith: string
  readonly source: string
  readonly fittedOn: string
  readonly products: MeasuredTable
  readonly decodeAttention: MeasuredTable
  readonly prefillAttention: MeasuredTable
  readonly experts: MeasuredTable
  readonly collectives: MeasuredTable
  readonly allReduce: AllReduceChoice
}

export function fitKernelProfile(tables: KernelTables): KernelProfile {
  const { gpu, measuredWith, source, fittedOn } = tables
  return {
    gpu,
    measuredWith,
    source,
    fittedOn,
    products: productSets(gpu, tables.products).map(fitProducts),
    decodeAttention: decodeSets(gpu, tables.decodeAttention).map(fitAttention),
    prefillAttention: prefillSets(gpu, tables.prefillAttention).map(fitAttention),
    experts: fitExperts(expertSets(gpu, tables.experts)),
    allReduce: allReduceSets(gpu, tables.collectives, tables.allReduce).map(fitAllReduce),
  }
}

/** A card whose kernels were measured as one engine runs them: a few models' shapes, no collectives. */
export function fitEngineProfile(tables: EngineTables): KernelProfile {
  const { gpu, measuredWith, source, fittedOn } = tables
  return {
    gpu,
    measuredWith,
    source,
    fittedOn,
    products: [fitProducts(engineProductSet(tables))],
    decodeAttention: [fitAttention(engineDecodeSet(tables))],
    prefillAttention: [fitAttention(enginePrefillSet(tables))],
    experts: fitExperts(engineExpertSets(tables)),
    allReduce: [],
    smallKernels: fitted(engineSmallKernelSet(tables)),
  }
}

export function fitProducts(set: KernelSet<Dtype>): ProductProfile {
  return { dtype: set.key, ...fitted(set) }
}

export function fitAttention(set: KernelSet<AttentionKey>): AttentionProfile {
  return { ...set.key, ...fitted(set) }
}

export function fitAllReduce(set: KernelSet<number>): AllReduceProfile {
  return { gpus: set.key, ...fitted(set) }
}

/** Layers that were measured both ways; a distribution that is missing takes the other's. */
export function fitExperts(sets: readonly KernelSet<ExpertKey>[]): ExpertProfiles {
  const layers = new Map<string, ExpertProfile>()
  const predicted: { point: KernelPoint; table: RatioTable }[] = []
  for (const set of sets) {
    const { skewed, ...layer } = set.key
    const table = fitRatioTable(set.axes, ratios(set.points))
    for (const point of set.points) predicted.push({ point, table })
    const name = JSON.stringify(layer)
    const known = layers.get(name) ?? { ...layer, even: table.rows[0], skewed: table.rows[0] }
    layers.set(name, { ...known, [skewed ? 'skewed' : 'even']: table.rows[0] })
  }
  const grids = new Map<RatioTable, RatioGrid>()
  const gridOf = (table: RatioTable) => {
    const grid = grids.get(table) ?? new RatioGrid(table)
    grids.set(table, grid)
    return grid
  }
  const fit = fitOf(predicted.map(({ point, table }) => predictionOf(point, gridOf(table))))
  return { fit, tokens: EXPERT_TOKEN_KNOTS, layers: [...layers.values()] }
}

export interface StepTables {
  readonly gpu: string
  /** As the table spells it. */
  readonly hardware: string
  readonly source: string
  readonly fittedOn: string
  readonly steps: MeasuredTable
}

/** Whole steps over what the roofline says of their launched part; attention, vocabulary and time per sequence stay its own. */
export function fitStepProfile(tables: StepTables): StepProfile {
  const { gpu, hardware, source, fittedOn } = tables
  return fitSteps({ gpu, source, fittedOn }, dgxSteps(tables.steps, hardware))
}

export function fitSteps(
  about: { readonly gpu: string; readonly source: string; readonly fittedOn: string },
  steps: readonly StepPoint[],
): StepProfile {
  const points = steps.map((step) => launchedPoint(about.gpu, step))
  const table = fitRatioTable(STEP_AXES, ratios(points))
  const unjudged = { ...about, host: DGX_HOST, model: DGX_MODEL, fit: { points: 0, error: 0 }, table }
  const fit = fitOf(
    steps.map((step) => ({
      measuredUs: step.us,
      predictedUs: dgxCost(about.gpu, step.tp, unjudged).stepUs(step.shape),
      at: () => '',
    })),
  )
  return { ...unjudged, fit }
}

function launchedPoint(gpu: string, step: StepPoint): KernelPoint {
  const parts = dgxCost(gpu, step.tp, 'none').breakdown(step.shape)
  const sequencesUs = hostPresets[DGX_HOST].perSequenceUs[knownGpu(gpu).architecture] * step.sequences
  const restUs = parts.attentionUs + parts.headUs + sequencesUs
  const rooflineUs = parts.totalUs - restUs
  return { sizes: [step.tp, step.shape.totalTokens], us: step.us - restUs, rooflineUs }
}

export function ratios(points: readonly KernelPoint[]) {
  return points.map(({ sizes, us, rooflineUs }) => ({ sizes, ratio: us / rooflineUs }))
}

function fitted<Key>(set: KernelSet<Key>): { readonly fit: Fit; readonly table: RatioTable } {
  const table = fitRatioTable(set.axes, ratios(set.points))
  const grid = new RatioGrid(table)
  return { fit: fitOf(set.points.map((point) => predictionOf(point, grid))), table }
}

export function predictionOf(point: KernelPoint, grid: RatioGrid) {
  return {
    measuredUs: point.us,
    predictedUs: point.rooflineUs * grid.at(...point.sizes),
    at: () => point.sizes.join(' x '),
  }
}

function fitOf(predictions: Parameters<typeof accuracyOf>[0]): Fit {
  if (predictions.length === 0) return { points: 0, error: 0 }
  const { points, mape } = accuracyOf(predictions)
  return { points, error: Math.round(mape * 10_000) / 10_000 }
}
