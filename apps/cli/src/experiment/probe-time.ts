import { type ExperimentPlan, expectedRequests, type PlannedRun, type TimedRun } from '@kvasir/experiment'
import { executeRun, RunCache } from './execute-run.js'

/** What a probe of one run may take: long enough for compiled code, short enough to wait for. */
const PROBE_MS = 1_500

/**
 * Times the cheapest, the middle and the most expensive combination of a plan, by requests, each for a second or so, and says how
 * long the whole run would take. The first one is begun twice: its first time pays for compiling.
 */
export async function probeTime(
  { runs, cells }: Pick<ExperimentPlan, 'runs' | 'cells'>,
  folder: string,
): Promise<readonly TimedRun[]> {
  const first = runs.slice(0, cells.length)
  const byCost = [...first].sort((a, b) => expectedRequests(a.scenario) - expectedRequests(b.scenario))
  const chosen = [...new Set([byCost[0], byCost[byCost.length >> 1], byCost[byCost.length - 1]])]
  const cache = new RunCache()
  await probeRun(chosen[0], folder, cache)
  const timed: TimedRun[] = []
  for (const run of chosen) timed.push({ run, wallMs: await probeRun(run, folder, cache) })
  return timed
}

/** Milliseconds of the whole run, by the share of it that was done in the time. */
async function probeRun(run: PlannedRun, folder: string, cache: RunCache): Promise<number> {
  const startMs = performance.now()
  const stopping = {
    get asked() {
      return performance.now() - startMs > PROBE_MS
    },
  }
  const { id, scenario, keep } = run
  const { run: done } = await executeRun({ id, scenario, keep, folder }, cache, stopping)
  const wallMs = performance.now() - startMs
  if (!done.interrupted) return wallMs
  const endS = scenario.stopAtS ?? scenario.durationS
  const share =
    endS === undefined
      ? done.summary.requests.submitted / expectedRequests(scenario)
      : done.summary.simulatedUs / (endS * 1e6)
  return wallMs / Math.min(1, Math.max(share, 1e-3))
}
