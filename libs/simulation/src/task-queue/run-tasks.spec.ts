import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { taskEstimate, taskEstimateNames, taskModels } from './estimate.js'
import { runPublished } from './published.js'
import { runTasks, type TaskOutcome, type TaskRunOptions } from './run-tasks.js'
import { summariseTasks } from './summarise-tasks.js'
import { type Task, taskDurationUs } from './task.js'
import { taskPolicyNames, taskRank } from './task-policy.js'

const fifo = taskRank('FIFO', taskEstimate('flops'))
const base: Task = {
  id: 'a',
  model: 'Qwen3',
  weight: 1,
  arrivalUs: 0,
  phase: 'prefill',
  tokens: 1_000,
  tp: 2,
}

interface Cluster {
  readonly tasks: readonly Task[]
  readonly options: TaskRunOptions
}

/** Few arrival times, weights and widths, so that ties, full clusters and tasks that cannot run are common. */
function randomCluster(seed: number): Cluster {
  const random = new SeededRng(seed, 'task-queue.spec')
  const between = (min: number, max: number) => min + random.int(max - min + 1)
  const pick = <T>(values: readonly T[]): T => values[random.int(values.length)]
  const tasks = Array.from(
    { length: between(1, 60) },
    (_, i): Task => ({
      id: `T${i}`,
      model: pick(taskModels),
      weight: between(0, 3),
      arrivalUs: between(0, 9) * 100_000,
      phase: pick(['prefill', 'decode']),
      tokens: between(1, 5) * 100,
      tp: pick([1, 2, 2, 2, 4, 8]),
    }),
  )
  const rank = taskRank(pick(taskPolicyNames), taskEstimate(pick(taskEstimateNames)))
  const maxTimeUs = between(0, 2) === 0 ? between(0, 20) * 100_000 : undefined
  return { tasks, options: { gpus: between(1, 20), rank, maxTimeUs } }
}

function startOf(outcome: TaskOutcome): number {
  return outcome.kind === 'completed' ? outcome.run.startUs : Infinity
}

function shuffled<T>(values: readonly T[], seed: number): readonly T[] {
  const random = new SeededRng(seed, 'shuffle')
  const keyed = values.map((value) => ({ value, key: random.uniform() }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ value }) => value)
}

describe.each(Array.from({ length: 200 }, (_, i) => i + 1))('a random cluster of tasks, seed %i', (seed) => {
  const { tasks, options } = randomCluster(seed)
  const { gpus, rank, maxTimeUs = Infinity } = options
  const outcomes = runTasks(tasks, options)
  const completed = outcomes.filter((outcome) => outcome.kind === 'completed')
  const instants = [
    ...tasks.map(({ arrivalUs }) => arrivalUs),
    ...completed.map(({ run }) => run.finishUs),
  ].filter((us) => us <= maxTimeUs)

  it('ends every task once, and runs each that runs for its whole time on as many GPUs as it says', () => {
    expect(outcomes.map(({ task }) => task.id).toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
    for (const { task, run } of completed) {
      expect(run.startUs).toBeGreaterThanOrEqual(task.arrivalUs)
      expect(run.startUs).toBeLessThanOrEqual(maxTimeUs)
      expect(run.finishUs - run.startUs).toBe(taskDurationUs(task))
      expect(new Set(run.gpus).size).toBe(task.tp)
    }
    for (const { kind, task } of outcomes) expect(kind === 'rejected').toBe(task.tp > gpus)
    if (maxTimeUs === Infinity) expect(outcomes.some(({ kind }) => kind === 'cut_off')).toBe(false)
  })

  it('gives no GPU to two tasks at a time', () => {
    for (let gpu = 0; gpu < gpus; gpu++) {
      const runs = completed.map(({ run }) => run).filter((run) => run.gpus.includes(gpu))
      const inOrder = runs.toSorted((a, b) => a.startUs - b.startUs)
      for (let i = 1; i < inOrder.length; i++) {
        expect(inOrder[i].startUs).toBeGreaterThanOrEqual(inOrder[i - 1].finishUs)
      }
    }
  })

  it('never lets a task wait for GPUs that are free', () => {
    for (const us of instants) {
      const busy = completed.filter(({ run }) => run.startUs <= us && us < run.finishUs)
      const free = gpus - busy.reduce((sum, { task }) => sum + task.tp, 0)
      for (const outcome of outcomes) {
        if (outcome.task.arrivalUs <= us && startOf(outcome) > us) {
          expect(outcome.task.tp).toBeGreaterThan(free)
        }
      }
    }
  })

  it('never starts a task while one of lower rank that needs no more GPUs waits', () => {
    for (const { task, run } of completed) {
      for (const other of outcomes) {
        const { arrivalUs, tp } = other.task
        if (arrivalUs > run.startUs || tp > task.tp || startOf(other) <= run.startUs) continue
        expect(rank(other.task)).toBeGreaterThanOrEqual(rank(task))
      }
    }
  })

  it('does not depend on the order of lines that arrive at different times', () => {
    const apart = tasks.map((task, i) => ({ ...task, arrivalUs: task.arrivalUs + i }))
    expect(runTasks(shuffled(apart, seed), options)).toEqual(runTasks(apart, options))
  })
})

describe('runTasks', () => {
  it('starts nothing after the limit, lets what runs finish, and says who was cut off', () => {
    const tasks = ['a', 'b', 'c'].map((id) => ({ ...base, id }))
    const kinds = (maxTimeUs: number) =>
      runTasks(tasks, { gpus: 2, rank: fifo, maxTimeUs }).map(({ kind }) => kind)
    expect(kinds(999_999)).toEqual(['completed', 'cut_off', 'cut_off'])
    expect(kinds(1_000_000)).toEqual(['completed', 'completed', 'cut_off'])
  })

  it('rejects what is wider than the cluster, and nobody waits behind it', () => {
    const outcomes = runTasks([{ ...base, id: 'wide', tp: 4 }, base], { gpus: 2, rank: fifo })
    expect(outcomes).toMatchObject([
      { kind: 'rejected', reason: 'needs_more_gpus_than_the_cluster_has' },
      { kind: 'completed', run: { startUs: 0, gpus: [0, 1] } },
    ])
  })

  it('lets a task pass a wider one that does not fit yet', () => {
    const outcomes = runTasks(
      [base, { ...base, id: 'wide', tp: 4 }, { ...base, id: 'narrow', tokens: 500 }],
      { gpus: 4, rank: fifo },
    )
    expect(outcomes.map(startOf)).toEqual([0, 1_000_000, 0])
  })

  it('has nothing to do without tasks', () => {
    expect(runTasks([], { gpus: 8, rank: fifo })).toEqual([])
  })
})

describe('summariseTasks', () => {
  it('bounds from below what tasks that were cut off would have added', () => {
    const tasks = [base, { ...base, id: 'b', weight: 10 }, { ...base, id: 'late', arrivalUs: 3_000_000 }]
    const cluster = { gpus: 2, maxTimeUs: 500_000 }
    const cut = summariseTasks(runTasks(tasks, { ...cluster, rank: fifo }), cluster)
    expect(cut).toMatchObject({ completed: 1, total: 3, weightedTurnaroundUs: 1e6, averageTurnaroundUs: 1e6 })
    // b waits for 0.5 s at least and runs for 1 s, the late one runs for 1 s.
    expect(cut.atLeast.weightedTurnaroundUs).toBe(1e6 + 15e6 + 1e6)
    const whole = summariseTasks(runTasks(tasks, { gpus: 2, rank: fifo }), { gpus: 2 })
    expect(whole.atLeast.weightedTurnaroundUs).toBe(whole.weightedTurnaroundUs)
    expect(whole.weightedTurnaroundUs).toBeGreaterThan(cut.atLeast.weightedTurnaroundUs)
  })

  it('has no averages where nothing completed', () => {
    const summary = summariseTasks(runTasks([base], { gpus: 1, rank: fifo }), { gpus: 1 })
    expect(summary).toMatchObject({ completed: 0, averageTurnaroundUs: undefined, makespanUs: undefined })
  })
})

describe('runPublished', () => {
  it('leaves half of a cluster idle while the other half runs, as the original does', () => {
    const tasks = [base, ...['b', 'c', 'd'].map((id) => ({ ...base, id, arrivalUs: 500_000 }))]
    const starts = runPublished(tasks, { gpus: 4, rank: fifo, dtS: 0.5, maxTimeS: 10 })
    expect(starts.completed.map(({ startS }) => startS)).toEqual([0, 1, 1, 2])
    expect(runTasks(tasks, { gpus: 4, rank: fifo }).map(startOf)).toEqual([0, 500_000, 1_000_000, 1_500_000])
  })

  it('refuses to run for more steps than anybody would wait for', () => {
    expect(() => runPublished([base], { gpus: 4, rank: fifo, dtS: 1e-7, maxTimeS: 5 })).toThrow(/steps/)
  })
})
