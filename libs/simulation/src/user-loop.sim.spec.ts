import { parseScenario, type ScenarioInput } from '@kvasir/contracts'
import { streamOf } from '@kvasir/workload'
import { describe, expect, it } from 'vitest'
import { planCluster } from './plan/plan-cluster.js'
import { requestsOf, userGroupsOf, type WorkloadFiles } from './plan/request-streams.js'
import { Simulation } from './simulation.js'
import { UserLoop } from './user-loop.js'

const noFiles: WorkloadFiles = { arrivalsUs: () => [], lengths: () => [] }
const fixed = (tokens: number) => ({ kind: 'fixed', tokens }) as const

/** One engine and one closed loop, with the seed that the name of each test says. */
function simulate(
  arrivals: { readonly users: number; readonly thinkMs?: number; readonly startEveryMs?: number },
  rest: Partial<ScenarioInput> = {},
  inspect: (simulation: Simulation) => void = () => {},
) {
  const parsed = parseScenario({
    name: 'loop',
    seed: 7,
    cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 1 }] },
    models: [{ name: 'chat', architecture: 'Llama-3.1-8B', pools: ['g'] }],
    workload: {
      generators: [
        {
          model: 'chat',
          arrivals: { kind: 'closed-loop', ...arrivals },
          lengths: { prompt: fixed(200), output: fixed(20) },
          requests: 40,
        },
      ],
    },
    ...rest,
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const simulation = new Simulation(planned.value.plan, {
    requests: requestsOf(parsed.value, [], noFiles),
    users: userGroupsOf(parsed.value, noFiles),
    inspect,
  })
  while (!simulation.run(100_000));
  return simulation.result().summary
}

describe('a closed loop (seed 7)', () => {
  it('has a request of each user under way until none is left', () => {
    const underWay = new Set<number>()
    const summary = simulate({ users: 8 }, {}, ({ requests }) => {
      if (requests.submitted < 40) underWay.add(requests.submitted - requests.finished)
    })
    expect(summary.requests).toMatchObject({ submitted: 40, finished: 40, rejected: 0 })
    // Within the instant in which a request ends its user is about to send.
    expect(Math.max(...underWay)).toBe(8)
  })

  it('sends as fast as the engine answers, and slower when its users think', () => {
    const eager = simulate({ users: 4 })
    const thinking = simulate({ users: 4, thinkMs: 500 })
    expect(thinking.makespanUs).toBeGreaterThan(eager.makespanUs + 0.95 * 9 * 500_000)
    expect(thinking.ttftUs.mean).toBeLessThan(2 * (eager.ttftUs.mean ?? 0))
  })

  it('begins one user after another when it is told to', () => {
    const summary = simulate({ users: 8, startEveryMs: 100 })
    const together = simulate({ users: 8 })
    expect(summary.ttftUs.max).toBeLessThan(together.ttftUs.max ?? 0)
  })

  it('gives the same bytes twice', () => {
    expect(JSON.stringify(simulate({ users: 5, thinkMs: 3 }))).toBe(
      JSON.stringify(simulate({ users: 5, thinkMs: 3 })),
    )
  })

  it('ends when the time for sending is over', () => {
    const summary = simulate({ users: 2 }, { durationS: 0.5 })
    expect(summary.requests.submitted).toBeLessThan(40)
    expect(summary.requests.finished).toBe(summary.requests.submitted)
  })

  it('ends although every request is refused', () => {
    const summary = simulate({ users: 2 }, { engine: { contextLimit: 100 } })
    expect(summary.requests).toMatchObject({ submitted: 40, rejected: 40 })
  })

  it('refuses what reaches an engine that has left while the request was read', () => {
    const models: ScenarioInput['models'] = [
      { name: 'chat', architecture: 'Llama-3.1-8B', pools: [{ pool: 'g', leaveS: 0.01 }] },
    ]
    const summary = simulate({ users: 1 }, { models, engine: { frontEndMs: 20 } })
    expect(summary.requests).toMatchObject({ submitted: 40, finished: 0, rejected: 40 })
  })
})

describe('the front end (seed 7)', () => {
  it('adds its time to the first token of a request and nothing to the others', () => {
    const without = simulate({ users: 1 }, { engine: { frontEndMs: 0 } })
    const slow = simulate({ users: 1 }, { engine: { frontEndMs: 30 } })
    expect((slow.ttftUs.mean ?? 0) - (without.ttftUs.mean ?? 0)).toBeCloseTo(30_000, -2)
    expect(slow.tpotUs.mean).toBeCloseTo(without.tpotUs.mean ?? 0, -1)
  })

  it('reads requests one at a time', () => {
    const together = simulate({ users: 16 }, { engine: { host: 'vllm-sync' } })
    const alone = simulate({ users: 1 }, { engine: { host: 'vllm-sync' } })
    expect((together.queueUs.max ?? 0) - (alone.queueUs.max ?? 0)).toBeGreaterThanOrEqual(15 * 2000)
  })
})

describe('UserLoop', () => {
  it('pauses after a refusal, so that refusing takes time', () => {
    const loop = new UserLoop([
      { users: 1, startUs: 0, startEveryUs: 0, endUs: Infinity, thinkUs: 0, requests: streamOf([]) },
    ])
    expect(loop.start()).toEqual([{ group: 0, atUs: 0 }])
    expect(loop.isSilent).toBe(false)
    expect(loop.ended(0, 10, 'served')).toBe(10)
    expect(loop.ended(0, 10, 'refused')).toBeGreaterThan(10)
    expect(loop.send(0, 10)).toBeUndefined()
    expect(loop.ended(0, 20, 'served')).toBeUndefined()
  })
})
