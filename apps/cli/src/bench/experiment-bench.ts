import { ExperimentMachine, type ExperimentPlan } from '@kvasir/experiment'
import { conduct } from '../experiment/conduct.js'
import { LocalExecutor } from '../experiment/local-executor.js'

/** The same runs with some number of workers; best of all attempts. */
export interface ExperimentBenchRow {
  readonly workers: number
  readonly runs: number
  readonly seconds: number
  /** Time with one worker, over this time with as many workers as here: 1 is linear. */
  readonly efficiency: number
  /** Share of the workers' time that they spent in runs; the rest is starting them, hand-over and the tail. */
  readonly busy: number
}

/**
 * How a sweep scales over worker processes. Numbers of workers take turns, so that a busy machine is as busy for all, and the best
 * of each is kept. Outcomes are not written down: that takes a millisecond a run, on one core.
 */
export async function experimentBench(
  plan: ExperimentPlan,
  options: { readonly folder: string; readonly workers: readonly number[]; readonly attempts: number },
): Promise<readonly ExperimentBenchRow[]> {
  const best = new Map<number, { seconds: number; busy: number }>()
  for (let attempt = 0; attempt < options.attempts; attempt++) {
    for (const workers of options.workers) {
      const measured = await measure(plan, options.folder, workers)
      if (measured.seconds < (best.get(workers)?.seconds ?? Infinity)) best.set(workers, measured)
    }
  }
  const alone = best.get(1)?.seconds ?? NaN
  return [...best].map(([workers, { seconds, busy }]) => ({
    workers,
    runs: plan.runs.length,
    seconds,
    efficiency: alone / (seconds * workers),
    busy,
  }))
}

async function measure(
  plan: ExperimentPlan,
  folder: string,
  workers: number,
): Promise<{ readonly seconds: number; readonly busy: number }> {
  const machine = new ExperimentMachine(plan)
  const startMs = performance.now()
  await conduct({
    machine,
    executor: new LocalExecutor(workers),
    store: { record: () => {} },
    folder,
    watch: () => {},
    say: () => {},
  })
  const wallMs = performance.now() - startMs
  const runMs = machine.results.reduce((sum, { summary }) => sum + summary.wallMs, 0)
  return { seconds: wallMs / 1000, busy: runMs / (wallMs * workers) }
}
