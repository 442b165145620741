import type { ArrivalsSpec, ScenarioInput } from '@kvasir/contracts'
import type { MeasuredTable, Prediction } from '@kvasir/hardware'
import { invariant, MICROS_PER_SECOND } from '@kvasir/kernel'
import { serveScenario } from '../serving/serve-scenario.js'
import { type Bar, type SetReport, setReport } from './serving-accuracy.js'

/**
 * `trtllm_online_serving`: TensorRT-LLM 0.14 at offered rates, 500 requests each, and all at once. Only the means of the lengths
 * are published; two of the three mixes are taken as fixed.
 */
const architectures: ReadonlyMap<string, string> = new Map([
  ['llama-3.1-70b', 'Llama-3.1-70B'],
  ['llama-3.1-8b', 'Llama-3.1-8B'],
])

const REQUESTS = 500
/**
 * The chat mix, 202/214, serves half of what fixed lengths of that mean would: it has a tail. Log-normal lengths up to 1,024 tokens with
 * this sigma, near that of public chat traces, give the capacity of 70B on H100.
 */
const CHAT_OUTPUT_MEAN = 214
const CHAT_SPREAD = 0.8
const LONGEST = 1024
const MODEL = 'model'
const SET = 'Llama-3.1 8B and 70B bf16, TensorRT-LLM 0.14 online'

interface OnlinePoint {
  readonly label: string
  readonly gpu: string
  readonly allAtOnce: boolean
  readonly measured: OnlineFigures
  readonly predicted: OnlineFigures
}

interface OnlineFigures {
  readonly ttftMs: number
  readonly itlMs: number
  readonly outputTokensPerS: number
}

const parts = [
  { gpu: 'H100', basis: 'fitted', note: 'three host constants, the spread of one mix' },
  { gpu: 'H200', basis: 'held-out', note: 'the GPU, but seen' },
] as const
const capacityAim: Bar = { kind: 'aim', of: 'mean', at: 0.1 }
const itlAim: Bar = { kind: 'aim', of: 'mean', at: 0.12 }

export function validateOnline(table: MeasuredTable, progress: (line: string) => void): readonly SetReport[] {
  const points = Array.from({ length: table.length }, (_, row) => served(table, row))
  progress(`${SET}: ${points.length} points`)
  const report = (
    { gpu, basis, note }: (typeof parts)[number],
    quantity: string,
    taken: (point: OnlinePoint) => boolean,
    figure: keyof OnlineFigures,
    bar?: Bar,
  ) =>
    setReport(
      { set: `${SET}, ${gpu}`, quantity, basis, note, bar },
      points.filter((point) => point.gpu === gpu && taken(point)).map((point) => predictionOf(point, figure)),
    )
  const atRate = ({ allAtOnce }: OnlinePoint) => !allAtOnce
  return parts.flatMap((part) => [
    ...report(part, 'capacity', ({ allAtOnce }) => allAtOnce, 'outputTokensPerS', capacityAim),
    ...report(part, 'ITL', atRate, 'itlMs', itlAim),
    ...report(part, 'TTFT', atRate, 'ttftMs'),
  ])
}

function predictionOf({ label, measured, predicted }: OnlinePoint, figure: keyof OnlineFigures): Prediction {
  return { measuredUs: measured[figure], predictedUs: predicted[figure], at: () => label }
}

function served(table: MeasuredTable, row: number): OnlinePoint {
  const model = table.text(row, 'model')
  const architecture = architectures.get(model)
  invariant(architecture !== undefined, () => `the online table has a model ${model}`)
  const [tp, prompt, output] = ['tp', 'input_len_mean', 'output_len_mean'].map((column) =>
    table.number(row, column),
  )
  const gpu = table.text(row, 'gpu')
  const qps = table.text(row, 'qps')
  const allAtOnce = qps === 'INF'
  const arrivals: ArrivalsSpec = allAtOnce
    ? { kind: 'closed-loop', users: REQUESTS, thinkMs: 0, startEveryMs: 0 }
    : { kind: 'poisson', ratePerS: Number(qps) }
  const summary = serveScenario(scenarioOf({ architecture, gpu, tp, prompt, output, arrivals }))
  const { ttftUs, itlUs, tokens, makespanUs } = summary.models[MODEL]
  return {
    label: `${model} on ${tp} ${gpu}, ${prompt}/${output}, ${qps} per s`,
    gpu,
    allAtOnce,
    measured: {
      ttftMs: table.number(row, 'mean_ttft_ms'),
      itlMs: table.number(row, 'mean_itl_ms'),
      outputTokensPerS: table.number(row, 'output_tok_s'),
    },
    predicted: {
      ttftMs: (ttftUs.mean ?? 0) / 1000,
      itlMs: (itlUs.mean ?? 0) / 1000,
      outputTokensPerS: (tokens.output * MICROS_PER_SECOND) / makespanUs,
    },
  }
}

interface Served {
  readonly architecture: string
  readonly gpu: string
  readonly tp: number
  readonly prompt: number
  readonly output: number
  readonly arrivals: ArrivalsSpec
}

/** Fixed, or log-normal with that mean; the longest ones are cut off and hardly change it. */
function lengths(mean: number, spread: number) {
  if (spread === 0) return { kind: 'fixed', tokens: mean } as const
  const median = mean * Math.exp((-spread * spread) / 2)
  return { kind: 'log-normal', median, sigma: spread, max: LONGEST } as const
}

function scenarioOf({ architecture, gpu, tp, prompt, output, arrivals }: Served): ScenarioInput {
  const spread = output === CHAT_OUTPUT_MEAN ? CHAT_SPREAD : 0
  return {
    name: SET,
    policy: 'static',
    cluster: { groups: [{ id: 'group', gpu, tp }] },
    models: [{ name: MODEL, architecture, pools: ['group'] }],
    engine: { host: 'trtllm', prefixCaching: false },
    workload: {
      generators: [
        {
          model: MODEL,
          arrivals,
          lengths: { prompt: lengths(prompt, spread), output: lengths(output, spread) },
          requests: REQUESTS,
        },
      ],
    },
  }
}
