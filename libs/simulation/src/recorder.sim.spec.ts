import { parseScenario, type ScenarioInput, type SimulatedSummary } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { planCluster } from './plan/plan-cluster.js'
import { requestsOf, type WorkloadFiles } from './plan/request-streams.js'
import { Simulation } from './simulation.js'

const noFiles: WorkloadFiles = { arrivalsUs: () => [], lengths: () => [] }
const fixed = (tokens: number) => ({ kind: 'fixed', tokens }) as const

/** One engine whose memory holds a few requests, and two tenants that ask for more, with the seed that the name of the tests says. */
function simulate(change: Partial<ScenarioInput> = {}): SimulatedSummary {
  const parsed = parseScenario({
    name: 'books',
    seed: 7,
    durationS: 3,
    cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 1 }] },
    models: [{ name: 'model', architecture: 'Llama-2-13B', pools: ['g'] }],
    engine: { numGpuBlocks: 120, preemption: 'recompute', prefixCaching: false },
    workload: {
      generators: [
        {
          model: 'model',
          arrivals: { kind: 'poisson', ratePerS: 16 },
          lengths: { prompt: fixed(200), output: fixed(100) },
          tenants: [
            { tenant: 'light', share: 1 },
            { tenant: 'heavy', share: 1, weight: 8 },
          ],
        },
      ],
    },
    ...change,
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const { stopAtS } = parsed.value
  const simulation = new Simulation(planned.value.plan, {
    requests: requestsOf(parsed.value, [], noFiles),
    ...(stopAtS === undefined ? {} : { untilUs: stopAtS * 1_000_000 }),
  })
  while (!simulation.run(100_000));
  return simulation.result().summary
}

describe('the books of a run (seed 7)', () => {
  it('count every token that steps computed, and which of them for the second time', () => {
    const { tokens, pools } = simulate()
    expect(tokens.recomputed).toBeGreaterThan(0)
    // The last token of an answer is put out and never computed.
    const finished = tokens.prompt + tokens.output - tokens.output / 100
    expect(tokens.computed).toBe(finished + tokens.recomputed)
    expect(tokens.wastedShare).toBe(tokens.recomputed / tokens.computed)
    expect(pools['g'].steps * pools['g'].stepTokensMean).toBeCloseTo(tokens.computed, 3)
  })

  it('count what was computed again for requests that never finished', () => {
    const cut = simulate({ stopAtS: 2.5 })
    expect(cut.requests.unfinished).toBeGreaterThan(0)
    const { tokens } = simulate({ stopAtS: 2.5, engine: { numGpuBlocks: 2_000 } })
    expect(tokens.recomputed).toBe(0)
    expect(cut.tokens.recomputed).toBeGreaterThan(0)
  })

  it('tell tenants apart, whose weight orders know', () => {
    const engine = { numGpuBlocks: 120 }
    const fair = simulate({ engine: { ...engine, order: 'fair' } })
    const fcfs = simulate({ engine: { ...engine, order: 'fcfs' } })
    const { light, heavy } = fair.tenants
    expect(heavy.weight).toBe(8)
    expect(light.requests.submitted + heavy.requests.submitted).toBe(fair.requests.submitted)
    expect(light.ttftUs.count).toBe(light.requests.finished)
    expect(heavy.ttftUs.mean).toBeLessThan((light.ttftUs.mean ?? 0) / 2)
    expect(fcfs.tenants['heavy'].ttftUs.mean).toBeGreaterThan(heavy.ttftUs.mean ?? 0)
  })

  it('say what of a bundle no block can use', () => {
    // 16 tokens of 40 layers and 40 heads take 12.5 MiB on one rank: of a bundle of 16 MiB 3.5 are left, of 64 MiB 1.5.
    const [own, large] = [{}, { bundleMiB: 64 }].map(
      (cluster) =>
        simulate({ cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 1 }], ...cluster } }).pools['g'],
    )
    expect(own.fragmentation.edge).toBeCloseTo(3.5 / 16, 6)
    expect(large.fragmentation.edge).toBeCloseTo(1.5 / 64, 6)
  })
})
