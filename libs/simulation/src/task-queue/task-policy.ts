import type { TaskEstimate } from './estimate.js'
import type { Task } from './task.js'

/** Rank of a task: the lowest starts first; equals by arrival, then in the order of the file. It never changes. */
export type TaskRank = (task: Task) => number

export const taskPolicyNames = ['FIFO', 'WeightedFIFO', 'StrictWeightedFIFO', 'SRPT', 'WSRPT'] as const
export type TaskPolicyName = (typeof taskPolicyNames)[number]

/** Keeps WSRPT's quotient finite, in seconds (prior-systems.md §3.2). */
const MIN_ESTIMATE_S = 0.001

/**
 * The keys of prior-systems.md §3.2. Nothing is preempted, so what remains of a waiting task is all of it. The strict
 * variant differs only in the reference's other simulator; here it is WeightedFIFO under its own name.
 */
export function taskRank(name: TaskPolicyName, estimateS: TaskEstimate): TaskRank {
  switch (name) {
    case 'FIFO':
      return () => 0
    case 'WeightedFIFO':
    case 'StrictWeightedFIFO':
      return ({ weight }) => -weight
    case 'SRPT':
      return estimateS
    case 'WSRPT':
      return (task) => -task.weight / Math.max(MIN_ESTIMATE_S, estimateS(task))
  }
}

const aliases: ReadonlyMap<string, TaskPolicyName> = new Map<string, TaskPolicyName>([
  ...taskPolicyNames.map((name) => [name.toLowerCase(), name] as const),
  ['fcfs', 'FIFO'],
])

/** Finds a policy whatever the case, with or without hyphens: `weighted-fifo`, `srpt`, `fcfs`. */
export function taskPolicyByName(name: string): TaskPolicyName | undefined {
  return aliases.get(name.trim().toLowerCase().replaceAll(/[-_ ]/g, ''))
}
