import { type TaskPolicyName, taskTokensPerSecond } from '@kvasir/simulation'
import type { TaskCluster, TaskQueueFlags } from './flags.js'
import type { TaskWorkload } from './read-tasks.js'
import { type QueueRun, rounded, runQueue } from './run-queue.js'

/** What `--output` and `--json` give. Runs are by `workload/cluster/algorithm`, as in the reference. */
export interface QueueDocument {
  readonly version: 1
  readonly about: string
  readonly compat: 'published' | null
  readonly parameters: {
    readonly dt_s: number | null
    readonly max_time_s: number | null
    readonly prefill_tokens_per_s: number
    readonly decode_tokens_per_s: number
    readonly estimate: string
    readonly algorithms: readonly string[]
    readonly clusters: Readonly<Record<string, number>>
  }
  readonly runs: Readonly<Record<string, ComparedRun>>
}

export type ComparedRun = QueueRun & { readonly improvement_over_fifo: Improvement | null }

/** How much less than under FIFO, as a share of it. */
export interface Improvement {
  readonly weighted: number
  readonly average: number
}

const ABOUT_EXACT =
  'Work-conserving queueing at exact event times. Sums and averages are over completed tasks; at_least also counts the unscheduled ones.'

const ABOUT_PUBLISHED =
  'As the earlier simulator published it, mistakes included: running tasks are counted twice, so that up to half of the cluster stands idle; times are multiples of dt; unscheduled tasks are left out of every average; "waiting" is turnaround; utilisation is always 0. These are not the right figures: leave out --compat for those.'

export function queueDocument(workloads: readonly TaskWorkload[], flags: TaskQueueFlags): QueueDocument {
  const { mode, clusters, policies, estimate } = flags
  const published = mode.kind === 'published'
  const groups = workloads.flatMap((workload) =>
    clusters.map((cluster) => comparison(workload, cluster, flags)),
  )
  return {
    version: 1,
    about: published ? ABOUT_PUBLISHED : ABOUT_EXACT,
    compat: published ? 'published' : null,
    parameters: {
      dt_s: published ? mode.dtS : null,
      max_time_s: mode.maxTimeS ?? null,
      prefill_tokens_per_s: taskTokensPerSecond.prefill,
      decode_tokens_per_s: taskTokensPerSecond.decode,
      estimate,
      algorithms: policies,
      clusters: Object.fromEntries(clusters.map(({ name, gpus }) => [name, gpus])),
    },
    runs: Object.fromEntries(groups.flat()),
  }
}

function comparison(
  workload: TaskWorkload,
  cluster: TaskCluster,
  flags: TaskQueueFlags,
): readonly (readonly [string, ComparedRun])[] {
  const runs = flags.policies.map((policy) => [policy, runQueue(workload, cluster, policy, flags)] as const)
  const fifo = new Map<TaskPolicyName, QueueRun>(runs).get('FIFO')
  return runs.map(([policy, run]) => {
    const compared = { ...run, improvement_over_fifo: improvement(run, fifo) }
    return [`${workload.name}/${cluster.name}/${policy}`, compared] as const
  })
}

/** Null without FIFO, or where the two are about different tasks; what was published is compared as it was published. */
function improvement(run: QueueRun, fifo: QueueRun | undefined): Improvement | null {
  if (fifo === undefined) return null
  const exact = 'weighted_turnaround' in run
  if (exact && run.unscheduled.length + fifo.unscheduled.length > 0) return null
  const [weighted, average] = turnaround(run)
  const [fifoWeighted, fifoAverage] = turnaround(fifo)
  if (average === null || fifoAverage === null || fifoWeighted === 0 || fifoAverage === 0) return null
  return { weighted: rounded(1 - weighted / fifoWeighted), average: rounded(1 - average / fifoAverage) }
}

/** Weighted sum and average of the turnaround, in seconds, whatever a run calls them. */
export function turnaround(run: QueueRun): readonly [number, number | null] {
  return 'weighted_turnaround' in run
    ? [run.weighted_turnaround, run.average_turnaround]
    : [run.weighted_waiting_time, run.average_waiting_time]
}
