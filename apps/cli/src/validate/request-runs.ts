import type { EngineSpec, ScenarioInput } from '@kvasir/contracts'
import { engineMemory, knownGpu, knownModel, type MeasuredTable, type Prediction } from '@kvasir/hardware'
import { invariant, secondsToMicros } from '@kvasir/kernel'
import { type RequestRecord, streamOf } from '@kvasir/workload'
import { serveScenario } from '../serving/serve-scenario.js'
import { type SetReport, setReport } from './serving-accuracy.js'

/**
 * Real runs of vLLM 0.19 with every request's times (`llmservingsim_vllm_requests`): 300 requests of ShareGPT at ten a second.
 * Engine settings are those of `llmservingsim_vllm_runs.json`; kernels are those of the same cards.
 */
interface Run {
  /** As the table spells it. */
  readonly name: string
  readonly gpu: string
  readonly architecture: string
  readonly tp: number
  /** TP groups that share the experts in lock step, whole experts on each card; 1 where not said. */
  readonly dataParallel?: number
  readonly sequenceLimit: number
  readonly contextLimit?: number
  /** In place of the preset's times of a step and of each of its sequences. */
  readonly host?: Pick<EngineSpec, 'hostStepMs' | 'hostSequenceMs'>
  /** What was chosen with this run in sight. */
  readonly fitted: string
  /** As vLLM reported them; else as it would derive them. */
  readonly blocks?: number
}

const STEP_TOKENS = 2048
const BLOCK_SIZE = 16
const MODEL = 'model'

const runs: readonly Run[] = [
  {
    name: 'RTX4090/Llama-3.1-8B',
    gpu: 'RTX-4090',
    architecture: 'Llama-3.1-8B',
    tp: 1,
    sequenceLimit: 256,
    contextLimit: 32_768,
    blocks: 2588,
    host: { hostStepMs: 0, hostSequenceMs: 0 },
    fitted: 'two host constants, none',
  },
  {
    name: 'RTXPRO6000/Llama-3.1-8B',
    gpu: 'RTX-PRO-6000',
    architecture: 'Llama-3.1-8B',
    tp: 1,
    sequenceLimit: 128,
    fitted: 'the generic host, to this and four other sets',
  },
  {
    name: 'RTXPRO6000/Qwen3-32B',
    gpu: 'RTX-PRO-6000',
    architecture: 'Qwen3-32B',
    tp: 2,
    sequenceLimit: 128,
    fitted: 'the generic host and the link of the machine',
  },
  {
    name: 'RTXPRO6000/Qwen3-30B-A3B-Instruct-2507',
    gpu: 'RTX-PRO-6000',
    architecture: 'Qwen3-30B-A3B',
    tp: 1,
    dataParallel: 2,
    sequenceLimit: 128,
    fitted: 'the generic host and the time in which the ranks agree on a step',
  },
]

const quantities = [
  { quantity: 'mean TPOT', column: 'tpot_s', member: 'tpotUs', at: 0.02 },
  { quantity: 'mean E2E', column: 'e2e_s', member: 'e2eUs', at: 0.02 },
  { quantity: 'mean TTFT', column: 'ttft_s', member: 'ttftUs', at: 0.05 },
] as const

export function validateRequestRuns(
  table: MeasuredTable,
  progress: (line: string) => void,
): readonly SetReport[] {
  const served = runs.flatMap((run) => {
    const rows = Array.from({ length: table.length }, (_, row) => row).filter(
      (row) => table.text(row, 'run') === run.name,
    )
    if (rows.length === 0) return []
    progress(`${run.name}: ${rows.length} requests`)
    const requests = rows.map((row) => requestOf(table, row)).toSorted((a, b) => a.arrivalUs - b.arrivalUs)
    const { models } = serveScenario(scenarioOf(run), { requests: streamOf(requests) })
    return [{ run, rows, summary: models[MODEL] }]
  })
  return served.flatMap(({ run, rows, summary }) =>
    quantities.flatMap(({ quantity, column, member, at }) => {
      const measured = rows.reduce((sum, row) => sum + table.number(row, column), 0) / rows.length
      const prediction: Prediction = {
        measuredUs: secondsToMicros(measured),
        predictedUs: summary[member].mean ?? 0,
        at: () => `mean of ${rows.length} requests`,
      }
      const about = {
        set: `${run.name}, vLLM 0.19, ShareGPT`,
        quantity,
        basis: 'fitted',
        note: run.fitted,
      } as const
      return setReport({ ...about, bar: { kind: 'ceiling', of: 'mean', at } }, [prediction])
    }),
  )
}

function requestOf(table: MeasuredTable, row: number): RequestRecord {
  const ids = table.text(row, 'prefix_block16_ids')
  return {
    id: table.text(row, 'id'),
    arrivalUs: secondsToMicros(table.number(row, 'queued_s')),
    model: MODEL,
    promptTokens: table.number(row, 'prompt_tokens'),
    outputTokens: table.number(row, 'output_tokens'),
    priority: 0,
    tenant: undefined,
    deadlineUs: undefined,
    session: undefined,
    prefixBlocks: ids === '' ? undefined : ids.split(' ').map(Number),
    prefixBlockTokens: BLOCK_SIZE,
  }
}

function scenarioOf(run: Run): ScenarioInput {
  const { gpu, architecture, tp, dataParallel = 1, sequenceLimit, contextLimit } = run
  const groups = Array.from({ length: dataParallel }, (_, i) => ({ id: `group-${i}`, gpu, tp }))
  return {
    name: run.name,
    policy: 'static',
    cluster: { groups },
    models: [
      {
        name: MODEL,
        architecture,
        pools: groups.map(({ id }) => id),
        ...(dataParallel === 1 ? {} : { dataParallel, expertParallel: true }),
      },
    ],
    engine: {
      host: 'vllm-async',
      ...run.host,
      // Times count from when the engine has a request.
      frontEndMs: 0,
      stepTokenLimit: STEP_TOKENS,
      sequenceLimit,
      numGpuBlocks: run.blocks ?? derivedBlocks(run),
      ...(contextLimit === undefined ? {} : { contextLimit }),
    },
    // The requests of the run take its place.
    workload: {
      generators: [
        {
          model: MODEL,
          arrivals: { kind: 'constant', ratePerS: 1 },
          lengths: { prompt: { kind: 'fixed', tokens: 1 }, output: { kind: 'fixed', tokens: 1 } },
          requests: 1,
        },
      ],
    },
  }
}

function derivedBlocks({ gpu, architecture, tp, dataParallel = 1, sequenceLimit }: Run): number {
  const memory = engineMemory({
    gpu: knownGpu(gpu),
    model: knownModel(architecture),
    tp,
    blockSize: BLOCK_SIZE,
    stepTokenLimit: STEP_TOKENS,
    sequenceLimit,
    dataParallel,
    expertSplit: dataParallel === 1 ? 'tensor' : 'expert',
  })
  invariant(memory.kind === 'fits', () => `${architecture} does not fit on ${tp} ${gpu}`)
  return memory.blocks
}
