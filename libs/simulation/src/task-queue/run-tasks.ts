import { EventHeap, invariant, type Micros } from '@kvasir/kernel'
import { inArrivalOrder } from './arrival-order.js'
import { GpuSet } from './gpu-set.js'
import { type Task, taskDurationUs } from './task.js'
import type { TaskRank } from './task-policy.js'

/** How a task ended; every task ends once. */
export type TaskOutcome =
  | { readonly kind: 'completed'; readonly task: Task; readonly run: TaskSpan }
  /** It had not started by `maxTimeUs`. */
  | { readonly kind: 'cut_off'; readonly task: Task }
  | {
      readonly kind: 'rejected'
      readonly task: Task
      readonly reason: 'needs_more_gpus_than_the_cluster_has'
    }

export interface TaskSpan {
  readonly startUs: Micros
  readonly finishUs: Micros
  /** Indices of the GPUs it had to itself. */
  readonly gpus: readonly number[]
}

export interface TaskRunOptions {
  readonly gpus: number
  readonly rank: TaskRank
  /** No task starts after it, those that run go on to their end; without it every task that can run does. */
  readonly maxTimeUs?: Micros | undefined
}

/** What ends at an instant comes before what arrives; all of both before anything starts. */
const TASK_END = 0
const TASK_ARRIVAL = 1

/**
 * Runs tasks on a cluster, work-conserving and at exact event times: whenever something ends or arrives, the first
 * tasks by rank that fit into the free GPUs start. A wide task that does not fit lets others pass.
 * @returns outcomes by arrival, equals in the order of the file.
 */
export function runTasks(tasks: readonly Task[], options: TaskRunOptions): readonly TaskOutcome[] {
  const arriving = inArrivalOrder(tasks)
  const spans = new TaskQueue(
    arriving.filter(({ tp }) => tp <= options.gpus),
    options,
  ).run()
  return arriving.map((task) => outcomeOf(task, spans.get(task), options))
}

function outcomeOf(task: Task, run: TaskSpan | undefined, { gpus }: TaskRunOptions): TaskOutcome {
  if (task.tp > gpus) return { kind: 'rejected', task, reason: 'needs_more_gpus_than_the_cluster_has' }
  return run === undefined ? { kind: 'cut_off', task } : { kind: 'completed', task, run }
}

class TaskQueue {
  /** Best first; a task is known by its place here. */
  readonly #tasks: readonly Task[]
  readonly #events = new EventHeap()
  readonly #gpus: GpuSet
  readonly #maxTimeUs: Micros
  /** Fewer free GPUs than this start nobody. */
  readonly #narrowest: number
  /** Places of the waiting tasks, ascending. */
  readonly #waiting: number[] = []
  readonly #spans = new Map<Task, TaskSpan>()

  constructor(arriving: readonly Task[], { gpus, rank, maxTimeUs = Infinity }: TaskRunOptions) {
    const ranked = arriving.map((task) => ({ task, rank: rank(task) }))
    this.#tasks = ranked.toSorted((a, b) => a.rank - b.rank).map(({ task }) => task)
    this.#gpus = new GpuSet(gpus)
    this.#maxTimeUs = maxTimeUs
    this.#narrowest = arriving.reduce((least, { tp }) => Math.min(least, tp), Infinity)
    this.#tasks.forEach(({ arrivalUs }, place) => this.#events.push(arrivalUs, TASK_ARRIVAL, place))
  }

  run(): ReadonlyMap<Task, TaskSpan> {
    while (this.#events.size > 0) {
      const nowUs = this.#events.peekTime()
      while (this.#events.peekTime() === nowUs) this.#handle(this.#events.pop())
      if (nowUs <= this.#maxTimeUs) this.#startWhoFits(nowUs)
    }
    return this.#spans
  }

  #handle(place: number): void {
    if (this.#events.eventClass === TASK_ARRIVAL) return this.#wait(place)
    const task = this.#tasks[place]
    const span = this.#spans.get(task)
    invariant(span !== undefined, () => `task ${task.id} ended and had not started`)
    this.#gpus.give(span.gpus)
  }

  #wait(place: number): void {
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#waiting[middle] < place) low = middle + 1
      else high = middle
    }
    this.#waiting.splice(low, 0, place)
  }

  #startWhoFits(nowUs: Micros): void {
    for (let i = 0; i < this.#waiting.length && this.#gpus.free >= this.#narrowest; ) {
      const place = this.#waiting[i]
      if (this.#tasks[place].tp > this.#gpus.free) {
        i++
        continue
      }
      this.#waiting.splice(i, 1)
      this.#start(place, nowUs)
    }
  }

  #start(place: number, startUs: Micros): void {
    const task = this.#tasks[place]
    invariant(!this.#spans.has(task), () => `task ${task.id} started twice`)
    const finishUs = startUs + taskDurationUs(task)
    this.#spans.set(task, { startUs, finishUs, gpus: this.#gpus.take(task.tp) })
    this.#events.push(finishUs, TASK_END, place)
  }
}
