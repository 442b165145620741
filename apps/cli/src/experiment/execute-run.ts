import type { TraceRecord } from '@kvasir/contracts'
import { type RequestSample, Reservoir, type RunJob, type RunOutcome } from '@kvasir/experiment'
import { CostTables, planCluster } from '@kvasir/simulation'
import { defaultModelMap } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { profiledPlan } from '../input/kernel-profile.js'
import type { TraceFacts } from '../input/trace-file.js'
import { silentProgress } from '../run/progress.js'
import { type PreparedWorkload, prepareWorkload } from '../simulate/prepare-workload.js'
import { reportRun } from '../simulate/report-input.js'
import { type FinishedRun, runSimulation } from '../simulate/run-simulation.js'

/** What runs one after the other need make only once: workloads as they were prepared, and step costs. */
export class RunCache {
  readonly workloads = new Map<string, PreparedWorkload>()
  readonly costs = new CostTables()
}

/**
 * One run of an experiment, as `kvasir simulate` would do it.
 * @param stopping asked between slices of the simulation; then it ends where it is.
 * @throws {BadInput} for what only files or the placement show to be wrong.
 */
export async function executeRun(
  { scenario, folder, keep }: RunJob,
  { workloads, costs }: RunCache,
  stopping: { readonly asked: boolean } = { asked: false },
): Promise<{ readonly outcome: RunOutcome; readonly run: FinishedRun }> {
  const workload = await cachedWorkload({ scenario, folder }, workloads)
  const planning = planCluster(scenario)
  if (planning.kind === 'refused') throw new BadInput(planning.problems)
  const sampler = keep.samples === 0 ? undefined : new RequestSampler(keep.samples, scenario.seed)
  const run = await runSimulation({
    plan: profiledPlan(planning.value.plan, scenario, folder),
    scenario,
    workload,
    costs,
    trace: undefined,
    decisions: undefined,
    progress: silentProgress,
    interrupt: stopping,
    ...(sampler === undefined ? {} : { watch: (record) => sampler.see(record) }),
  })
  const { summary, ...drawing } = reportRun(run, [...workload.notes, ...planning.value.notes])
  return {
    run,
    outcome: {
      summary,
      drawing: keep.drawing ? JSON.stringify(drawing) : '',
      samples: sampler?.table() ?? null,
    },
  }
}

/** Seeds and policies change nothing of what is read from files. */
async function cachedWorkload(
  { scenario, folder }: Pick<RunJob, 'scenario' | 'folder'>,
  cache: RunCache['workloads'],
): Promise<PreparedWorkload> {
  const { workload, models, durationS, stopAtS } = scenario
  const key = JSON.stringify({ workload, models, durationS, stopAtS, folder })
  const known = cache.get(key)
  if (known !== undefined) return known
  const facts: ReadonlyMap<string, TraceFacts> = new Map()
  const resolved = { scenario, folder, table: defaultModelMap, facts, byDemand: false }
  const prepared = await prepareWorkload(resolved, { skipBadLines: false })
  cache.set(key, prepared)
  return prepared
}

/** Makes samples of requests out of the records of their ends. */
class RequestSampler {
  readonly #reservoir: Reservoir<RequestSample>
  readonly #arrived = new Map<string, Pick<RequestSample, 'model' | 'arrivalUs' | 'promptTokens'>>()

  constructor(perRun: number, seed: number) {
    this.#reservoir = new Reservoir(perRun, seed)
  }

  see(record: TraceRecord): void {
    if (record.event === 'enqueue') {
      const { model, ts_us: arrivalUs, prompt_tokens: promptTokens } = record
      this.#arrived.set(record.req_id, { model, arrivalUs, promptTokens })
    }
    if (record.event !== 'complete' && record.event !== 'reject') return
    const arrived = this.#arrived.get(record.req_id)
    if (arrived === undefined) return
    this.#arrived.delete(record.req_id)
    const isFinished = record.event === 'complete'
    this.#reservoir.add({
      request: record.req_id,
      ...arrived,
      outcome: isFinished ? 'finished' : record.reason,
      outputTokens: isFinished ? record.total_tokens : null,
      queueUs: isFinished ? record.queue_us : null,
      ttftUs: isFinished ? record.ttft_us : null,
      e2eUs: isFinished ? record.e2e_us : null,
      preemptions: isFinished ? record.preemptions : null,
    })
  }

  /** In order of arrival; requests that had not ended when the run did are not in it. */
  table(): RunOutcome['samples'] {
    const rows = [...this.#reservoir.kept].sort(
      (a, b) => a.arrivalUs - b.arrivalUs || (a.request < b.request ? -1 : 1),
    )
    return { seen: this.#reservoir.seen, rows }
  }
}
