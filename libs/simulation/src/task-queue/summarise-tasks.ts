import type { Micros } from '@kvasir/kernel'
import type { TaskOutcome } from './run-tasks.js'
import { taskDurationUs } from './task.js'

/** What a run came to. Sums and means are over completed tasks; undefined where there was none. */
export interface TaskSummary {
  /** Sum of weight × (finish − arrival). */
  readonly weightedTurnaroundUs: Micros
  readonly averageTurnaroundUs: Micros | undefined
  /** Sum of weight × (start − arrival). */
  readonly weightedQueueWaitUs: Micros
  readonly averageQueueWaitUs: Micros | undefined
  /** From time 0 to the last finish. */
  readonly makespanUs: Micros | undefined
  /** Share of the GPUs' time from 0 to the makespan in which they ran tasks. */
  readonly gpuUtilisation: number | undefined
  readonly completed: number
  readonly total: number
  /** The same two with the tasks that were cut off, as if each had started at the limit: a bound from below. */
  readonly atLeast: {
    readonly weightedTurnaroundUs: Micros
    readonly averageTurnaroundUs: Micros | undefined
  }
}

export interface ClusterTime {
  readonly gpus: number
  readonly maxTimeUs?: Micros | undefined
}

export function summariseTasks(
  outcomes: readonly TaskOutcome[],
  { gpus, maxTimeUs = 0 }: ClusterTime,
): TaskSummary {
  const completed = outcomes.filter((outcome) => outcome.kind === 'completed')
  const turnarounds = completed.map(({ task, run }) => weighed(task.weight, run.finishUs - task.arrivalUs))
  const waits = completed.map(({ task, run }) => weighed(task.weight, run.startUs - task.arrivalUs))
  const bounds = outcomes
    .filter(({ kind }) => kind === 'cut_off')
    .map(({ task }) => weighed(task.weight, Math.max(0, maxTimeUs - task.arrivalUs) + taskDurationUs(task)))
  const busyUs = sum(completed.map(({ run }) => run.gpus.length * (run.finishUs - run.startUs)))
  const makespanUs = completed.reduce((last, { run }) => Math.max(last, run.finishUs), 0)
  const none = completed.length === 0
  return {
    weightedTurnaroundUs: weightedSum(turnarounds),
    averageTurnaroundUs: mean(turnarounds),
    weightedQueueWaitUs: weightedSum(waits),
    averageQueueWaitUs: mean(waits),
    makespanUs: none ? undefined : makespanUs,
    gpuUtilisation: none ? undefined : busyUs / (gpus * makespanUs),
    completed: completed.length,
    total: outcomes.length,
    atLeast: {
      weightedTurnaroundUs: weightedSum([...turnarounds, ...bounds]),
      averageTurnaroundUs: mean([...turnarounds, ...bounds]),
    },
  }
}

interface Weighed {
  readonly weight: number
  readonly us: Micros
}

function weighed(weight: number, us: Micros): Weighed {
  return { weight, us }
}

function weightedSum(items: readonly Weighed[]): Micros {
  return sum(items.map(({ weight, us }) => weight * us))
}

function mean(items: readonly Weighed[]): Micros | undefined {
  return items.length === 0 ? undefined : sum(items.map(({ us }) => us)) / items.length
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
