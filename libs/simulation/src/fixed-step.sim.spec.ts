import { parseScenario, type ScenarioInput } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { planCluster } from './plan/plan-cluster.js'
import { requestsOf, userGroupsOf, type WorkloadFiles } from './plan/request-streams.js'
import { Simulation } from './simulation.js'

const noFiles: WorkloadFiles = { arrivalsUs: () => [], lengths: () => [] }

/** So many tasks at once, of one prompt length and weight. */
function tasks(name: string, users: number, { tokens, weight }: { tokens: number; weight: number }) {
  return {
    name,
    model: 'task',
    arrivals: { kind: 'closed-loop', users } as const,
    lengths: { prompt: { kind: 'fixed', tokens } as const, output: { kind: 'fixed', tokens: 1 } as const },
    tenants: [{ tenant: name, share: 1, weight }],
    requests: users,
  }
}

/** Slots in which a task prefills ten tokens every 10 ms, whatever the others do: `infra/experiments/earlier-queue.yaml`. */
function simulate(slots: number, order: NonNullable<ScenarioInput['engine']>['order']) {
  const parsed = parseScenario({
    name: 'fixed step',
    seed: 1,
    cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 2 }] },
    models: [{ name: 'task', architecture: 'Qwen3-30B-A3B', pools: ['g'] }],
    engine: {
      fixedStepMs: 10,
      longPrefillThreshold: 10,
      stepTokenLimit: 512,
      sequenceLimit: slots,
      prefixCaching: false,
      agingPerS: 0,
      host: 'none',
      order,
    },
    network: { latencyMs: 0.2, jitterMs: 0 },
    workload: {
      generators: [
        tasks('low', 8, { tokens: 2_000, weight: 1 }),
        tasks('high', 12, { tokens: 500, weight: 10 }),
      ],
    },
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const simulation = new Simulation(planned.value.plan, {
    requests: requestsOf(parsed.value, [], noFiles),
    users: userGroupsOf(parsed.value, noFiles),
  })
  while (!simulation.run(100_000));
  const { weightedTurnaroundUs, e2eUs, makespanUs } = simulation.result().summary
  return [weightedTurnaroundUs / 1e6, (e2eUs.mean ?? 0) / 1e6, makespanUs / 1e6]
}

// Weighted turnaround, mean turnaround and makespan of the workload `discriminating`: prior-systems.md §5.2, column "correct".
describe('steps of a fixed time (seed 1)', () => {
  it.each([
    ['fcfs', 4, [624, 4.2, 5.5]],
    ['wsrpt', 4, [156, 2.4, 5.5]],
    ['fcfs', 8, [336, 2.4, 3]],
    ['weighted-fifo', 8, [102, 1.5, 3]],
    ['srpt', 8, [102, 1.5, 3]],
    ['wsrpt', 8, [102, 1.5, 3]],
  ] as const)('make the scheduler a queue of tasks in slots: %s, %i slots', (order, slots, recorded) => {
    const measured = simulate(slots, order)
    // The engine's lease takes 0.4 ms to come, for which twenty tasks with a weight of 128 in all wait.
    for (const [i, value] of recorded.entries()) expect(measured[i] / value).toBeCloseTo(1, 2)
  })
})
