import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { planCluster } from '@kvasir/simulation'
import {
  defaultWorkload,
  generateRequests,
  limit,
  writeKvasirHeader,
  writeKvasirRequest,
} from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { silentProgress } from '../run/progress.js'
import { simulateFlags } from '../simulate/flags.js'
import { prepareWorkload } from '../simulate/prepare-workload.js'
import { resolveScenario } from '../simulate/resolve-scenario.js'
import { runSimulation } from '../simulate/run-simulation.js'
import { heapHoldPerSecond, processorSeconds, RECORDED_HEAP_HOLD_PER_SECOND } from './yardstick.js'

/** Requests of the four-model trace of two hours (`shared/data/traces/README.md`). */
const FOUR_MODELS_REQUESTS = 379_456
const LINES_AT_ONCE = 10_000

export interface TraceBenchOptions {
  /** Undefined: requests made like the four-model trace. */
  readonly trace: string | undefined
  /** Name of a preset. */
  readonly cluster: string
  readonly policy: string
  /** Most requests taken. */
  readonly requests: string | undefined
}

export interface TraceBenchResult {
  readonly requests: number
  readonly groups: number
  readonly engines: number
  readonly steps: number
  readonly events: number
  readonly simulatedSeconds: number
  /** Processor time of the whole process: to read the trace through and check it, and to read it again and simulate it. */
  readonly scanSeconds: number
  readonly runSeconds: number
  /** The most the process ever had. */
  readonly residentMegabytes: number
  /** Heap pairs in a second of processor time in this process, and how fast that makes the machine beside that of the other simulators. */
  readonly heapHoldPerSecond: number
  readonly speed: number
}

/**
 * One policy over a whole trace, as `kvasir simulate` runs it but for what it writes. Measured in processor time, which a busy machine does
 * not lengthen as it does the clock's.
 * @throws {BadInput} for a trace, cluster or policy that is not there.
 */
export async function traceBench(options: TraceBenchOptions): Promise<TraceBenchResult> {
  if (options.trace !== undefined) return measure(options, options.trace)
  const folder = mkdtempSync(join(tmpdir(), 'kvasir-bench-'))
  try {
    const path = join(folder, 'four-models.jsonl')
    writeLikeTrace(path)
    return await measure(options, path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In pieces, so that what is resident is the simulation's. */
function writeLikeTrace(path: string): void {
  const requests = limit(generateRequests(defaultWorkload('servegen'), 1), FOUR_MODELS_REQUESTS)
  let lines = [writeKvasirHeader()]
  for (let request = requests.next(); request !== undefined; request = requests.next()) {
    if (lines.length === LINES_AT_ONCE) {
      appendFileSync(path, lines.join(''))
      lines = []
    }
    lines.push(writeKvasirRequest(request))
  }
  appendFileSync(path, lines.join(''))
}

async function measure(options: TraceBenchOptions, trace: string): Promise<TraceBenchResult> {
  const { cluster, policy, requests } = options
  const holds = heapHoldPerSecond(processorSeconds)
  const flags = simulateFlags(undefined, {
    trace,
    cluster,
    policy,
    ...(requests === undefined ? {} : { requests }),
  })
  const begun = processorSeconds()
  const resolved = await resolveScenario(flags)
  const workload = await prepareWorkload(resolved, flags)
  const scanSeconds = processorSeconds() - begun
  const [chosen] = flags.policies ?? []
  const scenario = { ...resolved.scenario, policy: chosen ?? resolved.scenario.policy }
  const planning = planCluster(scenario, workload.demand)
  if (planning.kind === 'refused') throw new BadInput(planning.problems)
  const { plan } = planning.value
  const ready = processorSeconds()
  const { summary } = await runSimulation({
    plan,
    scenario,
    workload,
    trace: undefined,
    decisions: undefined,
    progress: silentProgress,
    interrupt: { asked: false },
  })
  return {
    requests: summary.requests.submitted,
    groups: plan.pools.length,
    engines: plan.engines.length,
    steps: Object.values(summary.pools).reduce((sum, pool) => sum + pool.steps, 0),
    events: summary.events,
    simulatedSeconds: summary.simulatedUs / 1e6,
    scanSeconds,
    runSeconds: processorSeconds() - ready,
    residentMegabytes: process.resourceUsage().maxRSS / 1024,
    heapHoldPerSecond: holds,
    speed: holds / RECORDED_HEAP_HOLD_PER_SECOND,
  }
}
