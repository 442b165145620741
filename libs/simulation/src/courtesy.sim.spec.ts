import { parseScenario, type ScenarioInput, type SimulatedSummary } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { planCluster } from './plan/plan-cluster.js'
import { requestsOf, type WorkloadFiles } from './plan/request-streams.js'
import { Simulation } from './simulation.js'

const SEED = 20_241_122
const noFiles: WorkloadFiles = { arrivalsUs: () => [], lengths: () => [] }
const fixed = (tokens: number) => ({ kind: 'fixed', tokens }) as const

type Model = ScenarioInput['models'][number]

function model(name: string, terms: Partial<Model>): Model {
  return { name, architecture: 'Llama-3.1-8B', pools: ['g'], ...terms }
}

function requests(name: string, ratePerS: number, prompt: number, output: number) {
  const lengths = { prompt: fixed(prompt), output: fixed(output) }
  return { name, model: name, arrivals: { kind: 'poisson', ratePerS }, lengths } as const
}

/** Four seconds of requests on one H100, and three to end them. */
function simulate(
  models: readonly Model[],
  generators: readonly ReturnType<typeof requests>[],
): SimulatedSummary {
  const parsed = parseScenario({
    name: 'courtesy',
    seed: SEED,
    durationS: 4,
    stopAtS: 7,
    cluster: { groups: [{ id: 'g', gpu: 'H100', tp: 1 }] },
    models: [...models],
    engine: { stepTokenLimit: 512 },
    workload: { generators: [...generators] },
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('\n'))
  const simulation = new Simulation(planned.value.plan, {
    requests: requestsOf(parsed.value, [], noFiles),
    untilUs: 7_000_000,
  })
  while (!simulation.run(100_000));
  return simulation.result().summary
}

describe(`on a group that is flooded, seed ${SEED}`, () => {
  it('a guarantee of half of it that nobody uses costs the others nothing', () => {
    const floods = [requests('two', 30, 600, 60), requests('one', 30, 600, 60)]
    const beside = (guarantee: number) =>
      simulate(
        [
          model('idle', { guarantee, slo: { ttftMs: 500, tpotMs: 50 } }),
          model('two', { weight: 2, slo: { ttftMs: 2_000, tpotMs: 100 } }),
          model('one', { weight: 1, slo: { ttftMs: 2_000, tpotMs: 100 } }),
        ],
        floods,
      )
    const without = beside(0)
    const kept = beside(0.5)
    expect(kept.pools['g'].utilisation).toBeCloseTo(without.pools['g'].utilisation, 2)
    for (const name of ['two', 'one']) {
      const [now, before] = [kept.models[name], without.models[name]]
      const times = (of: 'ttftUs' | 'tpotUs') => (now[of].p99 ?? Infinity) / (before[of].p99 ?? 0)
      expect(now.goodputPerS / before.goodputPerS, `${name}: goodput`).toBeGreaterThan(0.97)
      expect(times('ttftUs'), `${name}: TTFT`).toBeLessThan(1.05)
      expect(times('tpotUs'), `${name}: TPOT`).toBeLessThan(1.1)
    }
  })

  it('an engine that gives way while it is early has its tokens when they are due', () => {
    // What floods is promised nothing and claims every turn; what waits for them all has a guarantee.
    const { models } = simulate(
      [model('early', { guarantee: 0.3, slo: { ttftMs: 1_000, tpotMs: 100 } }), model('flood', {})],
      [requests('early', 3, 300, 30), requests('flood', 40, 1_500, 60)],
    )
    expect(models['early'].requests.finished).toBeGreaterThan(5)
    expect(models['early'].tpotUs.p99).toBeLessThan(100_000)
    expect(models['early'].sloAttainment).toBeGreaterThan(0.95)
  })
})
