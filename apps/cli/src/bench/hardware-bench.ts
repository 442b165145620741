import {
  combineShapes,
  createStepCost,
  decodeShape,
  knownGpu,
  knownModel,
  prefillShape,
  type StepCostModel,
  type StepShape,
} from '@kvasir/hardware'
import { SeededRng } from '@kvasir/kernel'

/** GPU, model, ranks: dense and experts, 16 and 8 bit, with and without a profile, grouped heads and a latent. */
const CONFIGURATIONS = [
  ['H100', 'Llama-3.1-8B', 1],
  ['H100', 'Llama-3.1-70B', 4],
  ['H100', 'Llama-3.1-70B-FP8', 4],
  ['H100', 'Mixtral-8x7B', 2],
  ['A100', 'Qwen3-32B', 2],
  ['H200', 'Qwen3-235B-A22B-FP8', 8],
  ['H200', 'DeepSeek-R1', 8],
] as const

const KINDS = ['decode', 'prefill', 'mixed'] as const
const SHAPES = 4096
// Short enough that on a shared machine some rounds run undisturbed.
const PREDICTIONS = 20_000
const ROUNDS = 150
const WARM_UP = 20
const BUILDS = 3

/** Nanoseconds that a prediction may take. */
export const PREDICTION_CEILING_NS = 300

export interface HardwareBenchRow {
  readonly gpu: string
  readonly model: string
  readonly tp: number
  readonly source: string
  readonly buildMs: number
  readonly ns: Readonly<Record<(typeof KINDS)[number], number>>
}

export interface HardwareBenchResult {
  readonly ceilingNs: number
  readonly rows: readonly HardwareBenchRow[]
  readonly worstNs: number
}

/** Step predictions over 4,096 random shapes of each kind, best of 150 rounds after 20 to warm up; builds, best of three. */
export function hardwareBench(report: (row: HardwareBenchRow) => void): HardwareBenchResult {
  const rows = CONFIGURATIONS.map(([gpu, model, tp]) => {
    const { cost, buildMs } = built(gpu, model, tp)
    const ns = {
      decode: predictionNs(cost, shapes('decode')),
      prefill: predictionNs(cost, shapes('prefill')),
      mixed: predictionNs(cost, shapes('mixed')),
    }
    const { source } = cost
    const name = source.kind === 'roofline' ? 'roofline' : `${source.kind.replace('_', ' ')} ${source.gpu}`
    const row = { gpu, model, tp, source: name, buildMs, ns }
    report(row)
    return row
  })
  const worstNs = Math.max(...rows.flatMap(({ ns }) => [ns.decode, ns.prefill, ns.mixed]))
  return { ceilingNs: PREDICTION_CEILING_NS, rows, worstNs }
}

function built(gpu: string, model: string, tp: number): { cost: StepCostModel; buildMs: number } {
  const options = { gpu: knownGpu(gpu), model: knownModel(model), tp }
  let buildMs = Infinity
  let cost = createStepCost(options)
  for (let i = 0; i < BUILDS; i++) {
    const started = performance.now()
    cost = createStepCost(options)
    buildMs = Math.min(buildMs, performance.now() - started)
  }
  return { cost, buildMs }
}

function shapes(kind: (typeof KINDS)[number]): readonly StepShape[] {
  const rng = new SeededRng(1, kind)
  const decode = () => decodeShape({ sequences: 1 + rng.int(256), contextTokens: 1 + rng.int(8192) })
  const prefill = () => prefillShape({ tokens: 1 + rng.int(2048), computedTokens: rng.int(16_384) })
  const make = { decode, prefill, mixed: () => combineShapes(decode(), prefill()) }[kind]
  return Array.from({ length: SHAPES }, make)
}

function predictionNs(cost: StepCostModel, steps: readonly StepShape[]): number {
  let best = Infinity
  let sum = 0
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const started = performance.now()
    for (let i = 0; i < PREDICTIONS; i++) sum += cost.stepUs(steps[i & (SHAPES - 1)])
    const ns = ((performance.now() - started) * 1e6) / PREDICTIONS
    if (round >= WARM_UP) best = Math.min(best, ns)
  }
  // The sum is used, so that nothing is optimised away.
  if (sum <= 0) throw new Error('steps take time')
  return best
}
