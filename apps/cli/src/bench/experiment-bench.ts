import { ExperimentMachine, type ExperimentPlan } from '@kvasir/experiment'
import type { ResultStore } from '@kvasir/results'
import { conduct } from '../experiment/conduct.js'
import { LocalExecutor } from '../experiment/local-executor.js'
import { processorMs, type WorkerUsage } from '../experiment/worker-usage.js'
import { BusyLoops, LOOP_KINDS } from './busy-loops.js'

/** The same runs with some number of workers, by workers that are warm. Medians of all attempts, milliseconds a run. */
export interface ExperimentBenchRow {
  readonly workers: number
  readonly runs: number
  /** Of the clock. */
  readonly wallMs: number
  /** Median of the attempts: time with one worker in the same turn, over this time with as many workers as here; 1 is linear. */
  readonly efficiency: number
  /** The same of bare loops, measured between them: what the machine gives. */
  readonly machine: { readonly arithmetic: number; readonly memory: number }
  /** Processor time of a run with one worker over that with as many as here, of all processes: 1 when they do no more work. */
  readonly work: number
  /** Share of the workers' time that they spent in runs; the rest is hand-over and the tail. */
  readonly busy: number
  /** Processor time of a run in its own thread; null where the system does not say. */
  readonly ownMs: number | null
  /** In other threads of the worker: the compiler, and who collects garbage. */
  readonly helperMs: number | null
  /** In the process that conducts: hand-over, reading the answer, writing it down. */
  readonly conductMs: number
  /** Of each worker, once: starting Node and loading the code. */
  readonly startMs: number
  /** Of each worker, once: what its first runs took longer than the later ones, in all threads. It is compiling. */
  readonly warmUpMs: number
}

export interface ExperimentBenchOptions {
  readonly folder: string
  readonly workers: readonly number[]
  readonly attempts: number
  /** Milliseconds that a bare loop is looked at. */
  readonly loopMs: number
  /** Where outcomes are written: on a disk, as an experiment's are. A new one for each call. */
  readonly store: () => ResultStore
}

/**
 * How a sweep scales over worker processes, and where its processor time goes. Each number of workers has its own, which are warmed
 * with the plan once; then the numbers take turns, bare loops between them, so that a busy machine is as busy for all.
 */
export async function experimentBench(
  plan: ExperimentPlan,
  { folder, workers, attempts, loopMs, store }: ExperimentBenchOptions,
): Promise<readonly ExperimentBenchRow[]> {
  const crews = workers.map((count) => new Crew(count))
  const loops = new BusyLoops(Math.max(...workers))
  try {
    const sweep = (crew: Crew) => crew.sweep(plan, folder, store)
    // Every worker once does as much as one alone: so much is compiled by then.
    for (const crew of crews) for (let i = 0; i < crew.count; i++) await sweep(crew)
    const warm = crews.map((crew) => crew.begin())
    for (let attempt = 0; attempt < attempts; attempt++)
      for (const crew of crews) {
        for (const kind of LOOP_KINDS)
          crew.loops[kind].push(await loops.perSecond({ kind, ms: loopMs }, crew.count))
        crew.measured.push(await sweep(crew))
      }
    const [alone] = crews
    return crews.map((crew, i) => rowOf(crew, { alone, runs: plan.runs.length, warmUpMs: warm[i] }))
  } finally {
    for (const crew of crews) crew.close()
    loops.close()
  }
}

interface Sweep {
  readonly wallMs: number
  /** In runs, by the clock of the workers. */
  readonly runMs: number
  readonly conductMs: number
  /** Of all workers. */
  readonly totalMs: number
  readonly ownMs: number | null
}

/** Some workers that stay, and what was measured with them. */
class Crew {
  readonly count: number
  readonly loops = { arithmetic: new Array<number>(), memory: new Array<number>() }
  measured: Sweep[] = []
  readonly #executor: LocalExecutor

  constructor(count: number) {
    this.count = count
    this.#executor = new LocalExecutor(count)
  }

  get startMs(): number {
    return meanOf(this.#executor.usage.map(({ startMs }) => startMs))
  }

  async sweep(plan: ExperimentPlan, folder: string, open: () => ResultStore): Promise<Sweep> {
    const executor = this.#executor
    const before = sumOf(executor.usage)
    const machine = new ExperimentMachine(plan)
    const store = open()
    const ownStartMs = processorMs()
    const startMs = performance.now()
    await conduct({
      machine,
      executor: {
        slots: executor.slots,
        parallel: executor.parallel,
        execute: (job, answer) => executor.execute(job, answer),
        stop: () => executor.stop(),
        close: () => {},
      },
      store,
      folder,
      watch: () => {},
      say: () => {},
    })
    const wallMs = performance.now() - startMs
    const conductMs = processorMs() - ownStartMs
    store.close()
    const after = sumOf(executor.usage)
    const ownMs = after.ownMs === null ? null : after.ownMs - (before.ownMs ?? 0)
    const runMs = machine.results.reduce((sum, { summary }) => sum + summary.wallMs, 0)
    const sweep = { wallMs, runMs, conductMs, totalMs: after.totalMs - before.totalMs, ownMs }
    this.measured.push(sweep)
    return sweep
  }

  /** Ends the warming. @returns processor time of a worker until then. */
  begin(): number {
    this.measured = []
    return sumOf(this.#executor.usage).totalMs / this.count
  }

  close(): void {
    this.#executor.close()
  }
}

function rowOf(
  crew: Crew,
  { alone, runs, warmUpMs }: { readonly alone: Crew; readonly runs: number; readonly warmUpMs: number },
): ExperimentBenchRow {
  const { count, measured, loops, startMs } = crew
  const perRun = (of: (sweep: Sweep) => number) => medianOf(measured.map(of)) / runs
  const loopShare = (kind: 'arithmetic' | 'memory') =>
    medianOf(loops[kind].map((value, i) => value / (count * alone.loops[kind][i])))
  const knowsThreads = measured.every(({ ownMs }) => ownMs !== null)
  const totalMs = perRun((sweep) => sweep.totalMs)
  return {
    workers: count,
    runs,
    wallMs: perRun(({ wallMs }) => wallMs),
    efficiency: medianOf(measured.map(({ wallMs }, i) => alone.measured[i].wallMs / (wallMs * count))),
    machine: { arithmetic: loopShare('arithmetic'), memory: loopShare('memory') },
    work: costOf(alone) / costOf(crew),
    busy: medianOf(measured.map(({ wallMs, runMs }) => runMs / (wallMs * count))),
    ownMs: knowsThreads ? perRun(({ ownMs }) => ownMs ?? 0) : null,
    helperMs: knowsThreads ? perRun((sweep) => sweep.totalMs - (sweep.ownMs ?? 0)) : null,
    conductMs: perRun(({ conductMs }) => conductMs),
    startMs,
    // A worker's warming was one plan's runs.
    warmUpMs: Math.max(0, warmUpMs - startMs - totalMs * runs),
  }
}

/** Processor time of a sweep. */
function costOf({ measured }: Crew): number {
  return medianOf(measured.map(({ totalMs, conductMs }) => totalMs + conductMs))
}

function sumOf(usage: readonly WorkerUsage[]): Pick<WorkerUsage, 'totalMs' | 'ownMs'> {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  const own = usage.flatMap(({ ownMs }) => ownMs ?? [])
  return {
    totalMs: total(usage.map(({ totalMs }) => totalMs)),
    ownMs: own.length === usage.length ? total(own) : null,
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
