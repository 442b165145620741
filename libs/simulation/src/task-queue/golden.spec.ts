import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { clusterPreset } from '@kvasir/hardware'
import { describe, expect, it, test } from 'vitest'
import { taskEstimate, type TaskEstimateName } from './estimate.js'
import { runPublished } from './published.js'
import { runTasks } from './run-tasks.js'
import { summariseTasks } from './summarise-tasks.js'
import type { Task, TaskPhase } from './task.js'
import { taskPolicyByName, type TaskPolicyName, taskPolicyNames, taskRank } from './task-policy.js'
import { taskWorkload, type TaskWorkloadName, taskWorkloadNames } from './workloads.js'

const shared =
  process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../../shared', import.meta.url))
const folder = `${shared}/data/seed-workloads`
const present = existsSync(`${folder}/schedule-golden.json`)
if (!present)
  console.warn(`no schedule-golden.json in ${folder}: cluster-level queueing is NOT checked against it`)

interface Reference {
  readonly weighted_turnaround: number
  readonly average_turnaround: number
  readonly weighted_queue_wait: number
  readonly average_queue_wait: number
  readonly makespan: number
  readonly completed_count: number
  readonly gpu_utilization: number
}

interface Printed {
  readonly weighted_waiting_time: number
  readonly average_waiting_time: number
  readonly makespan: number
  readonly completed_count: number
}

interface Seed extends Printed {
  readonly total_count: number
  readonly unscheduled: readonly string[]
  readonly tasks?: readonly { readonly id: string; readonly start: number; readonly finish: number }[]
}

interface Run {
  readonly seed: Seed
  readonly work_conserving_reference: Reference
  readonly work_conserving_true_duration_reference?: Reference
}

interface Golden {
  readonly parameters: { readonly clusters: Readonly<Record<string, number>> }
  readonly runs: Readonly<Record<string, Run>>
  readonly sensitivity: Readonly<Record<string, Printed>>
  readonly llm_task2_runs: Readonly<Record<string, Run>>
}

const none: Golden = { parameters: { clusters: {} }, runs: {}, sensitivity: {}, llm_task2_runs: {} }
const golden: Golden = present ? JSON.parse(readFileSync(`${folder}/schedule-golden.json`, 'utf8')) : none

interface Line {
  readonly id: string
  readonly model: string
  readonly weight: number
  readonly arrival_s: number
  readonly phase: TaskPhase
  readonly tokens: number
  readonly tp: number
}

function linesOf(name: TaskWorkloadName): readonly Task[] {
  const lines = readFileSync(`${folder}/schedule-${name}.jsonl`, 'utf8').trim().split('\n')
  return lines.map((text) => {
    const { id, model, weight, arrival_s, phase, tokens, tp }: Line = JSON.parse(text)
    return { id, model, weight, arrivalUs: Math.round(arrival_s * 1e6), phase, tokens, tp }
  })
}

/** A recorded run by its key, such as `discriminating/h100_8gpu/FIFO`. */
interface Case {
  readonly key: string
  readonly workload: TaskWorkloadName
  readonly gpus: number
  readonly policy: TaskPolicyName
  /** What follows the algorithm: `dt=0.05`. */
  readonly setting: string | undefined
}

function caseOf(key: string): Case {
  const [workload, cluster, policy, setting] = key.split('/')
  const knownWorkload = taskWorkloadNames.find((name) => name === workload)
  const knownPolicy = taskPolicyNames.find((name) => name === policy)
  if (knownWorkload === undefined || knownPolicy === undefined) throw new Error(`unknown run ${key}`)
  return {
    key,
    workload: knownWorkload,
    gpus: golden.parameters.clusters[cluster],
    policy: knownPolicy,
    setting,
  }
}

const small = Object.entries(golden.runs).map(([key, run]) => ({ ...caseOf(key), run, maxTimeS: 5 }))
const large = Object.entries(golden.llm_task2_runs).map(([key, run]) => ({
  ...caseOf(`llm-task2/${key}`),
  run,
  maxTimeS: 1_000,
}))

function conserving({ workload, gpus, policy }: Case, estimate: TaskEstimateName, maxTimeUs?: number) {
  const rank = taskRank(policy, taskEstimate(estimate))
  const outcomes = runTasks(taskWorkload(workload), { gpus, rank, maxTimeUs })
  const summary = summariseTasks(outcomes, { gpus, maxTimeUs })
  return {
    weighted_turnaround: summary.weightedTurnaroundUs / 1e6,
    average_turnaround: (summary.averageTurnaroundUs ?? 0) / 1e6,
    weighted_queue_wait: summary.weightedQueueWaitUs / 1e6,
    average_queue_wait: (summary.averageQueueWaitUs ?? 0) / 1e6,
    makespan: (summary.makespanUs ?? 0) / 1e6,
    completed_count: summary.completed,
    gpu_utilization: summary.gpuUtilisation ?? 0,
  }
}

function expectClose<T extends object>(actual: T, expected: T): void {
  for (const [key, value] of Object.entries(expected)) {
    const found = Number(Reflect.get(actual, key))
    expect(Math.abs(found - Number(value)), `${key}: ${found}, recorded ${value}`).toBeLessThanOrEqual(1e-6)
  }
}

function printed({ workload, gpus, policy }: Case, dtS: number, maxTimeS: number) {
  const rank = taskRank(policy, taskEstimate('flops'))
  const run = runPublished(taskWorkload(workload), { gpus, rank, dtS, maxTimeS })
  const figures: Printed = {
    weighted_waiting_time: run.weightedWaitingS,
    average_waiting_time: run.averageWaitingS,
    makespan: run.makespanS,
    completed_count: run.completed.length,
  }
  return { run, figures }
}

describe.skipIf(!present)('the recorded runs of the earlier simulator', () => {
  it('are all here', () => {
    expect({ small: small.length, large: large.length }).toEqual({ small: 80, large: 12 })
    expect(Object.keys(golden.sensitivity)).toHaveLength(24)
  })

  test.each(taskWorkloadNames)('have the tasks that are generated as %s', (name) => {
    expect(taskWorkload(name)).toEqual(linesOf(name))
  })

  test.each(Object.entries(golden.parameters.clusters))('have a cluster %s of %i GPUs', (name, gpus) => {
    const lookup = clusterPreset(name)
    expect(lookup.kind === 'found' && lookup.cluster.nodes.flatMap((node) => node.gpus)).toHaveLength(gpus)
  })

  test.each([...small, ...large])('are matched work-conserving: $key', (recorded) => {
    const reference = recorded.run.work_conserving_reference
    expectClose(conserving(recorded, 'flops'), reference)
    expectClose(conserving(recorded, 'flops', recorded.maxTimeS * 1e6), reference)
  })

  test.each(large.filter(({ run }) => run.work_conserving_true_duration_reference))(
    'are matched when the estimate is what the task takes: $key',
    (recorded) => {
      const reference = recorded.run.work_conserving_true_duration_reference
      expect(reference).toBeDefined()
      if (reference !== undefined) expectClose(conserving(recorded, 'duration'), reference)
    },
  )

  test.each([...small, ...large])('are matched as published: $key', (recorded) => {
    const { seed } = recorded.run
    const { run, figures } = printed(recorded, 0.01, recorded.maxTimeS)
    const { weighted_waiting_time, average_waiting_time, makespan, completed_count } = seed
    expectClose(figures, { weighted_waiting_time, average_waiting_time, makespan, completed_count })
    expect(run.unscheduled.map(({ id }) => id)).toEqual(seed.unscheduled)
    expect(run.completed.length + run.unscheduled.length).toBe(seed.total_count)
    if (seed.tasks === undefined) return
    expect(run.completed.map(({ task }) => task.id)).toEqual(seed.tasks.map(({ id }) => id))
    run.completed.forEach(({ startS, finishS }, i) => {
      expect(startS).toBeCloseTo(seed.tasks?.[i].start ?? NaN, 6)
      expect(finishS).toBeCloseTo(seed.tasks?.[i].finish ?? NaN, 6)
    })
  })

  test.each(Object.entries(golden.sensitivity))('are matched as published: %s', (key, expected) => {
    const recorded = caseOf(key)
    const [name, value] = (recorded.setting ?? '').split('=')
    const [dtS, maxTimeS] = name === 'dt' ? [Number(value), 5] : [0.01, Number(value)]
    expectClose(printed(recorded, dtS, maxTimeS).figures, expected)
  })
})

// What the earlier simulator's README claims, and what the same rules give without its mistake: no data needed.
describe('the published comparison', () => {
  const run = (policy: TaskPolicyName): Case => ({
    key: '',
    workload: 'discriminating',
    gpus: 16,
    policy,
    setting: undefined,
  })

  it.each(['WeightedFIFO', 'SRPT', 'WSRPT'] as const)('gives 336.400 against 108.040 for %s', (policy) => {
    const fifo = printed(run('FIFO'), 0.01, 5).figures
    const other = printed(run(policy), 0.01, 5).figures
    expect(fifo.weighted_waiting_time).toBeCloseTo(336.4, 9)
    expect(other.weighted_waiting_time).toBeCloseTo(108.04, 9)
    expect(1 - other.weighted_waiting_time / fifo.weighted_waiting_time).toBeCloseTo(0.679, 3)
    expect(1 - other.average_waiting_time / fifo.average_waiting_time).toBeCloseTo(0.25, 3)
  })

  it('is 336 against 102 without the mistake, and the weights cost no makespan', () => {
    const fifo = conserving(run('FIFO'), 'flops')
    const weighted = conserving(run('WeightedFIFO'), 'flops')
    expect([fifo.weighted_turnaround, weighted.weighted_turnaround]).toEqual([336, 102])
    expect([fifo.makespan, weighted.makespan]).toEqual([3, 3])
  })

  it('finds policies whatever the case and the hyphens', () => {
    expect(['weighted-fifo', 'wsrpt', 'fcfs', ' Srpt ', 'StrictWeightedFIFO'].map(taskPolicyByName)).toEqual([
      'WeightedFIFO',
      'WSRPT',
      'FIFO',
      'SRPT',
      'StrictWeightedFIFO',
    ])
    expect(taskPolicyByName('lifo')).toBeUndefined()
  })
})
