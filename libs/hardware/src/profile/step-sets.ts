import { knownGpu } from '../gpu.js'
import { hostPresets } from '../host-preset.js'
import { knownModel } from '../model.js'
import { createStepCost, type StepCostModel } from '../step-cost.js'
import { combineShapes, decodeShape, emptyShape, prefillShape, type StepShape } from '../step-shape.js'
import type { StepProfile } from './kernel-profile.js'
import type { MeasuredTable } from './measured-table.js'
import { octaves } from './measured-sets.js'
import type { RatioAxis } from './ratio-grid.js'

/** One whole step that was measured. */
export interface StepPoint {
  readonly phase: 'prefill' | 'decode'
  readonly tp: number
  readonly promptTokens: number
  readonly sequences: number
  readonly outputTokens: number
  readonly shape: StepShape
  readonly us: number
}

/** What the DGX table of Splitwise was measured with (README of the profiles). */
export const DGX_MODEL = 'Llama-2-70B'
export const DGX_HOST = 'eager-2023'
export const STEP_AXES: readonly RatioAxis[] = [
  { name: 'ranks', knots: [2, 4, 8] },
  { name: 'tokens', knots: octaves(0, 15) },
]

/** Medians of repeated runs of splitwise_perf_model; `hardware` as the table spells it. */
export function dgxSteps(table: MeasuredTable, hardware: string): readonly StepPoint[] {
  const runs = new Map<string, { readonly point: StepPoint; readonly millis: number[] }>()
  for (let row = 0; row < table.length; row++) {
    if (table.text(row, 'model') !== 'llama2-70b' || table.text(row, 'hardware') !== hardware) continue
    const tp = table.number(row, 'tensor_parallel')
    const sequences = table.number(row, 'batch_size')
    // Its prompts did not fit into KV memory (README of the profiles).
    if (tp === 2 && sequences >= 64) continue
    const promptTokens = table.number(row, 'prompt_size')
    const outputTokens = table.number(row, 'token_size')
    const sizes = { tp, promptTokens, sequences }
    add(runs, { phase: 'prefill', ...sizes, outputTokens: 0 }, table.number(row, 'prompt_time'))
    add(runs, { phase: 'decode', ...sizes, outputTokens }, table.number(row, 'token_time'))
  }
  return [...runs.values()].map(({ point, millis }) => ({ ...point, us: 1000 * median(millis) }))
}

function add(
  runs: Map<string, { readonly point: StepPoint; readonly millis: number[] }>,
  sizes: Omit<StepPoint, 'shape' | 'us'>,
  millis: number,
): void {
  const name = JSON.stringify(sizes)
  const known = runs.get(name)
  if (known !== undefined) known.millis.push(millis)
  else runs.set(name, { point: { ...sizes, shape: shapeOf(sizes), us: 0 }, millis: [millis] })
}

/** A decode step half way through the output, or the prompts of the whole batch in one step. */
function shapeOf(sizes: Omit<StepPoint, 'shape' | 'us'>): StepShape {
  const { phase, promptTokens, sequences, outputTokens } = sizes
  if (phase === 'decode')
    return decodeShape({ sequences, contextTokens: promptTokens + Math.floor(outputTokens / 2) })
  let shape = emptyShape
  for (let i = 0; i < sequences; i++) shape = combineShapes(shape, prefillShape({ tokens: promptTokens }))
  return shape
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

/** The model's own cost of such steps, by roofline (`none`) or corrected by a profile; the shipped one unless said otherwise. */
export function dgxCost(gpu: string, tp: number, stepProfile?: StepProfile | 'none'): StepCostModel {
  return createStepCost({
    gpu: knownGpu(gpu),
    model: knownModel(DGX_MODEL),
    tp,
    host: hostPresets[DGX_HOST],
    ...(stepProfile === undefined ? {} : { stepProfile }),
  })
}
