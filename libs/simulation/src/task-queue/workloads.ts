import type { Micros, Tokens } from '@kvasir/kernel'
import { MersenneTwister } from './mersenne-twister.js'
import type { Task } from './task.js'

export const taskWorkloadNames = ['discriminating', 'staggered', 'llm-task2'] as const
export type TaskWorkloadName = (typeof taskWorkloadNames)[number]

/** The workloads that came with the earlier simulator, task for task (prior-systems.md §3.1 and §3.7). */
export function taskWorkload(name: TaskWorkloadName): readonly Task[] {
  switch (name) {
    case 'discriminating':
      return [
        ...alike(8, { prefix: 'T_low', weight: 1, tokens: 2_000, arrivalUs: 0 }),
        ...alike(12, { prefix: 'T_high', weight: 10, tokens: 500, arrivalUs: 0 }),
      ]
    case 'staggered':
      return [
        ...alike(8, { prefix: 'T_fill', weight: 1, tokens: 1_000, arrivalUs: 0 }),
        ...alike(4, { prefix: 'T_queue', weight: 10, tokens: 500, arrivalUs: 100_000 }),
      ]
    case 'llm-task2':
      return mediumLoad(42)
  }
}

interface Kind {
  readonly prefix: string
  readonly weight: number
  readonly tokens: Tokens
  readonly arrivalUs: Micros
}

/** S11 and S12. */
function alike(count: number, { prefix, ...kind }: Kind): readonly Task[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${prefix}_${i + 1}`,
    model: 'Qwen3',
    phase: 'prefill',
    tp: 2,
    ...kind,
  }))
}

/** In the order of its generator, which chooses by index. */
const drawnModels = ['DeepSeek-R1', 'Qwen3', 'GLM4.7', 'Llama3-70B', 'Llama3-8B', 'Mistral-7B']

/**
 * Its generator's medium load (S24): 500 tasks over 50 s. First all arrivals are drawn and sorted, then task for task
 * model, phase, tokens and weight. Arrivals are rounded to 100 us. That this gives its file, line for line, is tested.
 */
function mediumLoad(seed: number): readonly Task[] {
  const random = new MersenneTwister(seed)
  const arrivals = Array.from({ length: 500 }, () => 50 * random.unit()).sort((a, b) => a - b)
  return arrivals.map((arrivalS, i) => {
    const model = drawnModels[random.below(drawnModels.length)]
    const phase = random.unit() < 0.7 ? 'prefill' : 'decode'
    const tokens = phase === 'prefill' ? random.between(512, 8_192) : random.between(128, 2_048)
    const weight = random.between(1, 10)
    return {
      id: `T${i + 1}`,
      model,
      weight,
      arrivalUs: Math.round(arrivalS * 1e4) * 100,
      phase,
      tokens,
      tp: 2,
    }
  })
}
