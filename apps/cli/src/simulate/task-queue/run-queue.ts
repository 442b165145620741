import {
  runPublished,
  runTasks,
  summariseTasks,
  type Task,
  taskEstimate,
  type TaskOutcome,
  type TaskPolicyName,
  taskRank,
} from '@kvasir/simulation'
import type { TaskCluster, TaskQueueFlags } from './flags.js'
import type { TaskWorkload } from './read-tasks.js'

/** One workload on one cluster under one algorithm; field names are those of the reference, times are seconds. */
export type QueueRun = ExactRun | PublishedQueueRun

interface AnyRun {
  readonly completed_count: number
  readonly total_count: number
  readonly completion_rate: number
  readonly gpu_utilization: number | null
  readonly makespan: number | null
  /** Ids of the tasks that had not started at the limit. */
  readonly unscheduled: readonly string[]
}

/** Fields of `work_conserving_reference` and more. Sums and averages are over completed tasks. */
export interface ExactRun extends AnyRun {
  readonly weighted_turnaround: number
  readonly average_turnaround: number | null
  readonly weighted_queue_wait: number
  readonly average_queue_wait: number | null
  /** Bounds from below that count the unscheduled tasks as if each had started at the limit. */
  readonly at_least: { readonly weighted_turnaround: number; readonly average_turnaround: number | null }
  readonly rejected: readonly { readonly id: string; readonly reason: string }[]
  readonly tasks: readonly QueueSpan[]
}

/** Fields of `seed`: what the earlier simulator prints. */
export interface PublishedQueueRun extends AnyRun {
  readonly weighted_waiting_time: number
  readonly average_waiting_time: number
  readonly tasks: readonly QueueSpan[]
}

export interface QueueSpan {
  readonly id: string
  readonly start: number
  readonly finish: number
  /** Indices of its GPUs; the earlier simulator only counts them. */
  readonly gpus?: readonly number[]
}

export function runQueue(
  { tasks }: TaskWorkload,
  cluster: TaskCluster,
  policy: TaskPolicyName,
  { mode, estimate }: Pick<TaskQueueFlags, 'mode' | 'estimate'>,
): QueueRun {
  const rank = taskRank(policy, taskEstimate(estimate))
  const { gpus } = cluster
  if (mode.kind === 'published') return publishedRun(tasks, { gpus, rank, ...mode })
  const maxTimeUs = mode.maxTimeS === undefined ? undefined : mode.maxTimeS * 1e6
  return exactRun(runTasks(tasks, { gpus, rank, maxTimeUs }), gpus, maxTimeUs)
}

function exactRun(outcomes: readonly TaskOutcome[], gpus: number, maxTimeUs: number | undefined): ExactRun {
  const summary = summariseTasks(outcomes, { gpus, maxTimeUs })
  const completed = outcomes
    .filter((outcome) => outcome.kind === 'completed')
    .toSorted((a, b) => a.run.startUs - b.run.startUs)
  return {
    weighted_turnaround: seconds(summary.weightedTurnaroundUs),
    average_turnaround: secondsOrNull(summary.averageTurnaroundUs),
    weighted_queue_wait: seconds(summary.weightedQueueWaitUs),
    average_queue_wait: secondsOrNull(summary.averageQueueWaitUs),
    makespan: secondsOrNull(summary.makespanUs),
    completed_count: summary.completed,
    gpu_utilization: summary.gpuUtilisation === undefined ? null : rounded(summary.gpuUtilisation),
    total_count: summary.total,
    completion_rate: rounded(summary.completed / summary.total),
    unscheduled: outcomes.filter(({ kind }) => kind === 'cut_off').map(({ task }) => task.id),
    at_least: {
      weighted_turnaround: seconds(summary.atLeast.weightedTurnaroundUs),
      average_turnaround: secondsOrNull(summary.atLeast.averageTurnaroundUs),
    },
    rejected: outcomes
      .filter((outcome) => outcome.kind === 'rejected')
      .map(({ task, reason }) => ({ id: task.id, reason })),
    tasks: completed.map(({ task, run }) => ({
      id: task.id,
      start: seconds(run.startUs),
      finish: seconds(run.finishUs),
      gpus: run.gpus,
    })),
  }
}

function publishedRun(
  tasks: readonly Task[],
  options: Parameters<typeof runPublished>[1],
): PublishedQueueRun {
  const run = runPublished(tasks, options)
  return {
    weighted_waiting_time: rounded(run.weightedWaitingS),
    average_waiting_time: rounded(run.averageWaitingS),
    makespan: rounded(run.makespanS),
    completed_count: run.completed.length,
    total_count: tasks.length,
    completion_rate: rounded(run.completed.length / tasks.length),
    // It never learns when a task started, so its utilisation is always this (prior-systems.md §3.9, V4).
    gpu_utilization: 0,
    unscheduled: run.unscheduled.map(({ id }) => id),
    tasks: run.completed.map(({ task, startS, finishS }) => ({
      id: task.id,
      start: rounded(startS),
      finish: rounded(finishS),
    })),
  }
}

function seconds(us: number): number {
  return rounded(us / 1e6)
}

function secondsOrNull(us: number | undefined): number | null {
  return us === undefined ? null : seconds(us)
}

/** Six decimals, as the reference has them: no digit of a sum in floating point that means nothing. */
export function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6
}
