import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Simulation } from '@kvasir/simulation'
import { heapHoldPerSecond, RECORDED_HEAP_HOLD_PER_SECOND } from '../yardstick.js'
import {
  partsBy,
  type PartSeconds,
  profileParts,
  type SimulationPart,
  simulationParts,
} from './profile-parts.js'
import { SCALE_SECONDS, scalePlan, scaleRequests, type ScaleShape } from './scale-plan.js'

export interface ScaleRow extends ScaleShape {
  readonly pools: number
  readonly requests: number
  readonly events: number
  readonly rounds: number
  /** Questions that the brokers decided. */
  readonly decisions: number
  /** Processor time of a run, the profiler's included: of the best of `runs`. */
  readonly cpuSeconds: number
  readonly runs: number
  readonly microsPerRequest: number
  readonly microsPerEvent: number
  /** Time of the pools' owners a budget round, with all that they hear in between, without the broker. */
  readonly microsPerRound: number
  /** Null where nobody asked. */
  readonly microsPerDecision: number | null
  /** To build the cluster, before the first event. */
  readonly buildSeconds: number
  /** Kept by the simulation at its end, an engine. */
  readonly kilobytesPerEngine: number
  readonly residentMegabytes: number
  /** Of the sampled time. */
  readonly shares: Readonly<Record<SimulationPart, number>>
}

export interface ScaleResult {
  readonly yardstick: {
    readonly heapHoldPerSecond: number
    readonly recorded: number
    readonly speed: number
  }
  readonly simulatedSeconds: number
  readonly rows: readonly ScaleRow[]
  /** Time of a request in the largest cluster over that in the smallest. */
  readonly requestRatio: number
}

/** Small clusters run several times: the best of them is the least disturbed, and short ones have few samples. */
const ENGINES_OF_ALL_RUNS = 300
const RUNS_MAX = 10
const WARM_UP: ScaleShape = { engines: 100, enginesPerPool: 10 }

/** What a simulated cluster costs as it grows, with work in proportion to it. */
export async function scaleBench(
  shapes: readonly ScaleShape[],
  report: (row: ScaleRow) => void,
): Promise<ScaleResult> {
  const holds = heapHoldPerSecond()
  run(WARM_UP)
  const rows: ScaleRow[] = []
  for (const shape of shapes) {
    const row = await measure(shape)
    rows.push(row)
    report(row)
  }
  return {
    yardstick: {
      heapHoldPerSecond: holds,
      recorded: RECORDED_HEAP_HOLD_PER_SECOND,
      speed: holds / RECORDED_HEAP_HOLD_PER_SECOND,
    },
    simulatedSeconds: SCALE_SECONDS,
    rows,
    requestRatio: (rows.at(-1)?.microsPerRequest ?? NaN) / rows[0].microsPerRequest,
  }
}

async function measure(shape: ScaleShape): Promise<ScaleRow> {
  const runs = Math.max(1, Math.min(RUNS_MAX, Math.floor(ENGINES_OF_ALL_RUNS / shape.engines)))
  collectGarbage()
  const before = keptBytes()
  // One profile for all runs: to start one makes V8 look at all code, which takes as long as a run of ten engines.
  const { result, parts } = await profileParts(() => bestOf(runs, shape))
  const { best, last } = result
  // Only now: collecting also throws compiled code away, so that a run after it is slower.
  collectGarbage()
  const kilobytesPerEngine = (keptBytes() - before) / last.engines.length / 1024
  const shares = sharesOf(parts)
  const { rounds, decisions, requests, events, cpuSeconds } = best
  const micros = (part: SimulationPart) => shares[part] * cpuSeconds * 1e6
  return {
    ...shape,
    ...best,
    pools: last.pools.length,
    kilobytesPerEngine,
    runs,
    microsPerRequest: (cpuSeconds * 1e6) / requests,
    microsPerEvent: (cpuSeconds * 1e6) / events,
    microsPerRound: micros('coordinator') / rounds,
    microsPerDecision: decisions === 0 ? null : micros('broker') / decisions,
    shares,
  }
}

/** The quickest run's figures, and the last one's cluster. */
function bestOf(runs: number, shape: ScaleShape): { readonly best: Figures; readonly last: Simulation } {
  let { figures: best, simulation: last } = run(shape)
  for (let i = 1; i < runs; i++) {
    const next = run(shape)
    last = next.simulation
    if (next.figures.cpuSeconds < best.cpuSeconds) best = next.figures
  }
  return { best, last }
}

function sharesOf(parts: PartSeconds): PartSeconds {
  const total = simulationParts.reduce((sum, part) => sum + parts[part], 0)
  return partsBy((part) => parts[part] / total)
}

type Figures = Pick<
  ScaleRow,
  'requests' | 'events' | 'rounds' | 'decisions' | 'cpuSeconds' | 'buildSeconds' | 'residentMegabytes'
>

/** One run, of requests and cluster made anew. */
function run(shape: ScaleShape): { readonly figures: Figures; readonly simulation: Simulation } {
  const started = process.cpuUsage()
  const simulation = new Simulation(scalePlan(shape), { requests: scaleRequests(shape) })
  const buildSeconds = secondsSince(started)
  let residentBytes = 0
  while (!simulation.run(200_000)) residentBytes = Math.max(residentBytes, process.memoryUsage.rss())
  const { summary } = simulation.result()
  const cpuSeconds = secondsSince(started)
  const { submitted, finished, rejected } = summary.requests
  if (finished + rejected !== submitted) throw new Error(`${finished} of ${submitted} requests finished`)
  const figures = {
    requests: submitted,
    events: simulation.events,
    rounds: summary.rounds,
    decisions: summary.preemptions.brokered,
    cpuSeconds,
    buildSeconds,
    residentMegabytes: Math.max(residentBytes, process.memoryUsage.rss()) / 2 ** 20,
  }
  return { figures, simulation }
}

function secondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1e6
}

function keptBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

// Memory is compared before and after runs, and garbage must not count, whether or not the command was started with --expose-gc.
setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

function collectGarbage(): void {
  if (typeof collect === 'function') collect()
}
