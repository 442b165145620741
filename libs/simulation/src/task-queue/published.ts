import { invariant, MICROS_PER_SECOND } from '@kvasir/kernel'
import { inArrivalOrder } from './arrival-order.js'
import { type Task, taskDurationUs } from './task.js'
import type { TaskRank } from './task-policy.js'

/**
 * The earlier simulator as it was published, mistakes included, for comparing with its numbers and for nothing else.
 * Time is seconds in floating point, added up step by step, because its results depend on how that rounds.
 */
export interface PublishedOptions {
  readonly gpus: number
  readonly rank: TaskRank
  readonly dtS: number
  readonly maxTimeS: number
}

export interface PublishedSpan {
  readonly task: Task
  readonly startS: number
  readonly finishS: number
}

export interface PublishedRun {
  /** In the order in which it noticed their ends. Those that still ran at the end count with the finish they will have. */
  readonly completed: readonly PublishedSpan[]
  /** Never started; none of the figures knows about them. */
  readonly unscheduled: readonly Task[]
  /** "Weighted waiting time": sum of weight × (finish − arrival), which is turnaround. */
  readonly weightedWaitingS: number
  readonly averageWaitingS: number
  readonly makespanS: number
}

/** Two for every task, whatever its tp says. */
const GPUS_PER_TASK = 2

/** More steps than any recorded run needs; beyond it a small dt would run for minutes. */
export const MAX_PUBLISHED_STEPS = 10_000_000

/** The loop of prior-systems.md §3.1 (S1 to S7) and §3.9 (V1 to V5). */
export function runPublished(tasks: readonly Task[], options: PublishedOptions): PublishedRun {
  const { gpus, rank, dtS, maxTimeS } = options
  invariant(
    dtS > 0 && maxTimeS / dtS <= MAX_PUBLISHED_STEPS,
    () => `${maxTimeS} s in steps of ${dtS} s are more than ${MAX_PUBLISHED_STEPS} steps`,
  )
  const pending = [...inArrivalOrder(tasks)]
  const waiting: Task[] = []
  const completed: PublishedSpan[] = []
  let running: PublishedSpan[] = []
  for (let nowS = 0; nowS < maxTimeS; nowS += dtS) {
    completed.push(...running.filter(({ finishS }) => finishS <= nowS))
    running = running.filter(({ finishS }) => finishS > nowS)
    while (pending.length > 0 && pending[0].arrivalUs / MICROS_PER_SECOND <= nowS) {
      waiting.push(...pending.splice(0, 1))
    }
    const free = gpus - GPUS_PER_TASK * running.length
    // The mistake: the GPUs of running tasks are not free any more, and yet running tasks are subtracted again.
    const slots = Math.floor(free / GPUS_PER_TASK) - running.length
    for (let slot = 0; slot < slots && waiting.length > 0; slot++) {
      const [task] = waiting.splice(bestOf(waiting, rank), 1)
      running.push({ task, startS: nowS, finishS: nowS + taskDurationUs(task) / MICROS_PER_SECOND })
    }
  }
  return published([...completed, ...running], [...waiting, ...pending])
}

/** Place of the first task of the lowest rank. */
function bestOf(waiting: readonly Task[], rank: TaskRank): number {
  const ranks = waiting.map(rank)
  return ranks.indexOf(ranks.reduce((least, value) => Math.min(least, value)))
}

function published(completed: readonly PublishedSpan[], unscheduled: readonly Task[]): PublishedRun {
  const turnarounds = completed.map(({ task, finishS }) => ({
    weight: task.weight,
    s: finishS - task.arrivalUs / MICROS_PER_SECOND,
  }))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    completed,
    unscheduled,
    weightedWaitingS: sum(turnarounds.map(({ weight, s }) => weight * s)),
    averageWaitingS: completed.length === 0 ? 0 : sum(turnarounds.map(({ s }) => s)) / completed.length,
    makespanS: completed.reduce((last, { finishS }) => Math.max(last, finishS), 0),
  }
}
