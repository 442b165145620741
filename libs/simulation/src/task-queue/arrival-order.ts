import type { Task } from './task.js'

/** Tasks as they come to the queue: by arrival, equals in the order of the file. */
export function inArrivalOrder(tasks: readonly Task[]): readonly Task[] {
  return tasks.toSorted((a, b) => a.arrivalUs - b.arrivalUs)
}
