import type { ScenarioInput } from '@kvasir/contracts'
import {
  engineMemory,
  type HostPresetName,
  knownGpu,
  knownModel,
  type MeasuredTable,
  type Prediction,
} from '@kvasir/hardware'
import { invariant } from '@kvasir/kernel'
import { serveScenario } from '../serving/serve-scenario.js'
import { type Bar, type SetReport, setReport } from './serving-accuracy.js'

/**
 * Closed-loop benchmarks of `aic_e2e_silicon_hopper`: so many users, each with one request under way. Each row becomes a scenario
 * and is run by the scheduler that engines run.
 */
interface ClosedLoopSet {
  readonly name: string
  /** As the table spells them. */
  readonly system: string
  readonly modelPath: string
  readonly precision: string
  readonly version: string
  readonly gpu: string
  readonly architecture: string
  readonly host: HostPresetName
  /** Lengths are drawn between this share of the nominal ones and the nominal ones. */
  readonly shortest: number
  /** How far apart the clients begin, and how many requests each sends. */
  readonly startEveryMs: number
  readonly requestsPerUser: number
  /** vLLM's --max-num-seqs; undefined: its default. */
  readonly sequenceLimit: 'users' | undefined
  readonly parts: readonly Part[]
}

/** Rows of a set that are reported together. */
interface Part {
  readonly quantity: 'TPOT' | 'TTFT'
  readonly takes: (point: ServedPoint) => boolean
  readonly basis: SetReport['basis']
  readonly note: string
  readonly bar?: Bar
}

interface ServedPoint {
  readonly label: string
  readonly tp: number
  /** Milliseconds. */
  readonly measured: { readonly ttft: number; readonly tpot: number }
  readonly predicted: { readonly ttft: number; readonly tpot: number }
}

/** Where a set waits so long for its first token, the KV memory is exhausted and sequences are preempted. */
const THRASHING_TTFT_MS = 20_000

const all = () => true
const everyTtft: Part = {
  quantity: 'TTFT',
  takes: all,
  basis: 'fitted',
  note: 'the front end',
}

const inferenceMax = {
  modelPath: 'meta-llama/Llama-3.1-70B',
  precision: 'fp8',
  version: '',
  architecture: 'Llama-3.1-70B-FP8',
  host: 'vllm-inferencemax',
  // profiles/README.md: random lengths between 0.8 and 1, 10 prompts a client, max-num-seqs = concurrency.
  shortest: 0.8,
  startEveryMs: 0,
  requestsPerUser: 10,
  sequenceLimit: 'users',
} as const

const closedLoopSets: readonly ClosedLoopSet[] = [
  {
    name: 'Qwen3-32B bf16, vLLM 0.12, H100',
    system: 'h100_sxm',
    modelPath: 'Qwen/Qwen3-32B',
    precision: '',
    version: '0.12.0',
    gpu: 'H100',
    architecture: 'Qwen3-32B',
    host: 'vllm-sync',
    shortest: 1,
    // Fitted to the TTFT of 1,024 tokens at TP 2: all at once gives three times what was measured, spread evenly half of it.
    startEveryMs: 40,
    requestsPerUser: 6,
    sequenceLimit: undefined,
    parts: [
      {
        quantity: 'TPOT',
        takes: all,
        basis: 'fitted',
        note: 'two host constants and the mixed steps of Hopper, to TP 4',
        bar: { kind: 'ceiling', of: 'mean', at: 0.04 },
      },
      { quantity: 'TPOT', takes: ({ tp }) => tp !== 4, basis: 'held-out', note: 'TP 2 and TP 8, but seen' },
      { ...everyTtft, basis: 'fitted', note: 'the start of the clients, to TP 2' },
    ],
  },
  {
    ...inferenceMax,
    name: 'Llama-3.1-70B fp8, vLLM, H100 (InferenceMAX)',
    system: 'h100_sxm',
    gpu: 'H100',
    parts: [
      {
        quantity: 'TPOT',
        takes: all,
        basis: 'fitted',
        note: 'two host constants',
        bar: { kind: 'ceiling', of: 'median', at: 0.035 },
      },
      {
        quantity: 'TPOT',
        takes: ({ measured }) => measured.ttft > THRASHING_TTFT_MS,
        basis: 'held-out',
        note: 'the two points that exhaust the KV memory, but seen',
        bar: { kind: 'ceiling', of: 'worst', at: 0.25 },
      },
      everyTtft,
    ],
  },
  {
    ...inferenceMax,
    name: 'Llama-3.1-70B fp8, vLLM, H200 (InferenceMAX)',
    system: 'h200_sxm',
    gpu: 'H200',
    parts: [
      { quantity: 'TPOT', takes: all, basis: 'held-out', note: 'the GPU' },
      { ...everyTtft, basis: 'held-out', note: 'the GPU' },
    ],
  },
]

/** Reports each set that the table has rows of. */
export function validateClosedLoops(
  table: MeasuredTable,
  progress: (line: string) => void,
): readonly SetReport[] {
  return closedLoopSets.flatMap((set) => {
    const points = rowsOf(set, table).map((row) => served(set, table, row))
    progress(`${set.name}: ${points.length} points`)
    return set.parts.flatMap(({ takes, ...about }) =>
      setReport(
        { set: set.name, ...about },
        points.filter(takes).map((point) => predictionOf(point, about.quantity)),
      ),
    )
  })
}

function rowsOf(set: ClosedLoopSet, table: MeasuredTable): readonly number[] {
  return Array.from({ length: table.length }, (_, row) => row).filter(
    (row) =>
      table.text(row, 'system') === set.system &&
      table.text(row, 'backend') === 'vllm' &&
      table.text(row, 'backend_version') === set.version &&
      table.text(row, 'mode') === 'agg' &&
      table.text(row, 'model_path') === set.modelPath &&
      table.text(row, 'precision') === set.precision &&
      // One output token has no time per output token.
      table.number(row, 'osl') > 1,
  )
}

function served(set: ClosedLoopSet, table: MeasuredTable, row: number): ServedPoint {
  const [prompt, output, users, tp] = ['isl', 'osl', 'concurrency', 'tp_size'].map((column) =>
    table.number(row, column),
  )
  const { models } = serveScenario(scenarioOf(set, { prompt, output, users, tp }))
  const { ttftUs, tpotUs } = models[MODEL]
  invariant(
    ttftUs.mean !== null && tpotUs.mean !== null,
    () => `${set.name}: nothing was served of ${prompt}/${output} x ${users}`,
  )
  return {
    label: `${prompt}/${output}, ${users} users, TP ${tp}`,
    tp,
    measured: { ttft: table.number(row, 'silicon_ttft_ms'), tpot: table.number(row, 'silicon_tpot_ms') },
    predicted: { ttft: ttftUs.mean / 1000, tpot: tpotUs.mean / 1000 },
  }
}

function predictionOf({ label, measured, predicted }: ServedPoint, quantity: Part['quantity']): Prediction {
  const member = quantity === 'TPOT' ? 'tpot' : 'ttft'
  return { measuredUs: measured[member], predictedUs: predicted[member], at: () => label }
}

const MODEL = 'model'
/** vLLM's default for its API server on H100 and H200, and what InferenceMAX sets. */
const STEP_TOKENS = 8192
const SEQUENCES = 1024
const BLOCK_SIZE = 16

interface Load {
  readonly prompt: number
  readonly output: number
  readonly users: number
  readonly tp: number
}

function scenarioOf(set: ClosedLoopSet, { prompt, output, users, tp }: Load): ScenarioInput {
  const { architecture, gpu, host, startEveryMs, requestsPerUser } = set
  const sequenceLimit = set.sequenceLimit === 'users' ? users : SEQUENCES
  return {
    name: set.name,
    policy: 'static',
    cluster: { groups: [{ id: 'group', gpu, tp }] },
    models: [{ name: MODEL, architecture, pools: ['group'] }],
    engine: {
      host,
      stepTokenLimit: STEP_TOKENS,
      sequenceLimit,
      prefixCaching: false,
      numGpuBlocks: derivedBlocks(set, tp, sequenceLimit),
    },
    workload: {
      generators: [
        {
          model: MODEL,
          arrivals: { kind: 'closed-loop', users, startEveryMs },
          lengths: { prompt: lengths(prompt, set.shortest), output: lengths(output, set.shortest) },
          requests: requestsPerUser * users,
        },
      ],
    },
  }
}

/** KV blocks are not published: as the engine would derive them. */
function derivedBlocks({ gpu, architecture }: ClosedLoopSet, tp: number, sequenceLimit: number): number {
  const memory = engineMemory({
    gpu: knownGpu(gpu),
    model: knownModel(architecture),
    tp,
    blockSize: BLOCK_SIZE,
    stepTokenLimit: STEP_TOKENS,
    sequenceLimit,
  })
  invariant(memory.kind === 'fits', () => `${architecture} does not fit on ${tp} ${gpu}`)
  return memory.blocks
}

function lengths(nominal: number, shortest: number) {
  return shortest === 1
    ? ({ kind: 'fixed', tokens: nominal } as const)
    : ({ kind: 'uniform', min: Math.round(shortest * nominal), max: nominal } as const)
}
