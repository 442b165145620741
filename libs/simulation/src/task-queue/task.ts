import { type Micros, MICROS_PER_SECOND, type Tokens } from '@kvasir/kernel'

/**
 * A whole job of the earlier simulator (docs/task-queue.md): one phase of one model, which occupies `tp` GPUs from
 * start to end and is never stopped. Memory is not modelled: the reference starts tasks whatever their models need.
 */
export interface Task {
  readonly id: string
  /** A name of {@link taskModels}; only estimates look at it. */
  readonly model: string
  /** What a second of its turnaround costs; 0 or more. */
  readonly weight: number
  readonly arrivalUs: Micros
  readonly phase: TaskPhase
  readonly tokens: Tokens
  readonly tp: number
}

export type TaskPhase = 'prefill' | 'decode'

/** Tokens a second of a task, whatever its model, GPU and tp (prior-systems.md §3.1, S4). */
export const taskTokensPerSecond: Readonly<Record<TaskPhase, number>> = { prefill: 1_000, decode: 5_000 }

/** Whole microseconds: each rate divides a million. */
export function taskDurationUs({ phase, tokens }: Task): Micros {
  return tokens * (MICROS_PER_SECOND / taskTokensPerSecond[phase])
}
