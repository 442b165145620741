import { invariant, MICROS_PER_SECOND } from '@kvasir/kernel'
import { type Task, taskDurationUs, type TaskPhase } from './task.js'

/** Seconds that a task is thought to need; orders tasks and never decides when one ends. */
export type TaskEstimate = (task: Task) => number

export const taskEstimateNames = ['flops', 'duration'] as const
export type TaskEstimateName = (typeof taskEstimateNames)[number]

/**
 * Floating-point operations a token, as the earlier simulator has them (prior-systems.md §3.4). Its own goldens need
 * these figures; those that are right are in `hardware` (§3.9, V12).
 */
const flopsPerToken: ReadonlyMap<string, Readonly<Record<TaskPhase, number>>> = new Map([
  ['DeepSeek-R1', { prefill: 2.67e12, decode: 1.34e11 }],
  ['GLM4.7', { prefill: 1.42e12, decode: 7.1e10 }],
  ['Llama3-70B', { prefill: 2.8e11, decode: 1.4e10 }],
  ['Mixtral-8x7B', { prefill: 1.9e11, decode: 9.5e9 }],
  ['Qwen3', { prefill: 1.2e11, decode: 6e9 }],
  ['Llama3-8B', { prefill: 3.2e10, decode: 1.6e9 }],
  ['Mistral-7B', { prefill: 2.8e10, decode: 1.4e9 }],
])

/** Models that a task may name. */
export const taskModels: readonly string[] = [...flopsPerToken.keys()]

/** What the reference takes a GPU to compute, for every GPU and both phases (prior-systems.md §3.2). */
const FLOPS_PER_SECOND = 30e12

/** `flops` is the reference's own key, which its durations do not follow; `duration` is what the task will take. */
export function taskEstimate(name: TaskEstimateName): TaskEstimate {
  return name === 'flops' ? flopsEstimate : (task) => taskDurationUs(task) / MICROS_PER_SECOND
}

function flopsEstimate({ model, phase, tokens, tp }: Task): number {
  const flops = flopsPerToken.get(model)
  invariant(flops !== undefined, () => `no figures for model ${model}; known are ${taskModels.join(', ')}`)
  return (tokens * flops[phase]) / FLOPS_PER_SECOND / tp
}
