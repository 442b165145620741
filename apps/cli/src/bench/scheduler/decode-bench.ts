import { benchEngine } from './engine.js'
import type { DecodeRecord } from './recorded.js'

/** Running sequences: those recorded for vLLM, and 4,096. */
const BATCHES = [1, 32, 256, 1_024, 4_096] as const
const BLOCK_SIZE = 16
const WARM_UP_STEPS = 300
/** A measurement makes so many sequences take a step, whatever the batch, but at most this many steps. */
const SEQUENCE_STEPS = 400_000
const STEPS_MAX = 20_000
/** Measurements of each row, each on a new engine; the rows take turns, so that none is measured while the machine is busiest. */
const ROUNDS = 7

export interface DecodeRow {
  readonly batch: number
  readonly prefixCaching: boolean
  /** Plan and complete together; the best of the rounds and their median, each the mean over its steps. */
  readonly microsPerStep: number
  readonly microsPerStepMedian: number
  readonly nanosPerSequence: number
  /** On the JavaScript heap, the median round. Typed arrays lie outside of it; they grow by doubling, and not here. */
  readonly heapBytesPerStep: number
  /** vLLM's schedule and update_from_output, as recorded; null where nothing was. */
  readonly recordedMicrosPerStep: number | null
  /** How many times as long it would take here, carried over by the yardstick. */
  readonly faster: number | null
}

interface Measurement {
  readonly micros: number
  readonly heapBytes: number
}

/**
 * Steady decode as in `golden/vllm/bench.json`: prompts of 100 to 131 tokens, so that block boundaries are spread, and no preemption.
 * @param speed of this machine over the one of the record.
 */
export function decodeBench(recorded: readonly DecodeRecord[], speed: number): DecodeRow[] {
  const cases = [false, true].flatMap((prefixCaching) =>
    BATCHES.map((batch) => ({ batch, prefixCaching, measured: [] as Measurement[] })),
  )
  for (let round = 0; round < ROUNDS; round++)
    for (const each of cases) each.measured.push(measure(each.batch, each.prefixCaching))
  return cases.map(({ batch, prefixCaching, measured }) => {
    const micros = measured.map((each) => each.micros).sort((a, b) => a - b)
    const bytes = measured.map((each) => each.heapBytes).sort((a, b) => a - b)
    const record = recorded.find(
      (row) => row.batch === batch && row.prefix_caching === prefixCaching && !row.log_stats,
    )
    return {
      batch,
      prefixCaching,
      microsPerStep: micros[0],
      microsPerStepMedian: micros[micros.length >> 1],
      nanosPerSequence: (micros[0] * 1_000) / batch,
      heapBytesPerStep: bytes[bytes.length >> 1],
      recordedMicrosPerStep: record?.total_us_mean ?? null,
      faster: record === undefined ? null : record.total_us_mean / speed / micros[0],
    }
  })
}

/** What asking for the heap's size allocates itself. */
const ASKING_BYTES = askingBytes()

function askingBytes(): number {
  const differences = Array.from({ length: 9 }, () => {
    const before = process.memoryUsage().heapUsed
    return process.memoryUsage().heapUsed - before
  })
  return differences.sort((a, b) => a - b)[4]
}

function measure(batch: number, prefixCaching: boolean): Measurement {
  const steps = Math.min(STEPS_MAX, Math.ceil(SEQUENCE_STEPS / batch))
  const outputs = WARM_UP_STEPS + steps + 8
  const engine = benchEngine({
    blockSize: BLOCK_SIZE,
    blocks: batch * Math.ceil((131 + outputs) / BLOCK_SIZE + 1),
    config: { prefixCaching, stepTokenLimit: 132 * batch, sequenceLimit: batch },
  })
  for (let i = 0; i < batch; i++) engine.submit(i, 100 + (i % 32), outputs)
  engine.run(WARM_UP_STEPS)
  const heapBefore = process.memoryUsage().heapUsed
  const started = performance.now()
  engine.run(steps)
  const micros = ((performance.now() - started) * 1_000) / steps
  // A collection in between would show less than was allocated; the median round has none.
  const heapBytes = Math.max(0, process.memoryUsage().heapUsed - heapBefore - ASKING_BYTES) / steps
  return { micros, heapBytes }
}
