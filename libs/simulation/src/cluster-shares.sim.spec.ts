import { parseScenario } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { planCluster, requestsOf } from './plan/index.js'
import { Simulation } from './simulation.js'

const SEED = 7

/** `both` has a group to itself beside the one it shares with `alone`, of its own size and weight; there is too much to do for either. */
function skewed(clusterShares: boolean): Simulation {
  const lengths = { prompt: { kind: 'fixed', tokens: 2_500 }, output: { kind: 'fixed', tokens: 150 } }
  const generator = (model: string) => {
    return { name: model, model, arrivals: { kind: 'poisson', ratePerS: 60 }, lengths }
  }
  const parsed = parseScenario({
    name: 'skewed',
    seed: SEED,
    cluster: { groups: ['left', 'right'].map((id) => ({ id, gpu: 'H100', tp: 2 })) },
    models: [
      { name: 'both', architecture: 'Llama-3.1-8B', pools: ['left', 'right'] },
      { name: 'alone', architecture: 'Llama-3-8B', pools: ['left'] },
    ],
    coordinator: { clusterShares },
    durationS: 30,
    workload: { generators: ['both', 'alone'].map(generator) },
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('; '))
  const planned = planCluster(parsed.value)
  if (planned.kind === 'refused') throw new Error(planned.problems.join('; '))
  return new Simulation(planned.value.plan, {
    requests: requestsOf(parsed.value, [], { arrivalsUs: () => [], lengths: () => [] }),
    untilUs: 12_000_000,
  })
}

/** Tokens computed for each model in the last two thirds of the run. */
function served(simulation: Simulation): { readonly both: number; readonly alone: number } {
  const tokensOf = (model: string) =>
    simulation.engines.reduce(
      (sum, { plan, servedTokens }) => sum + (plan.model === model ? servedTokens : 0),
      0,
    )
  while (simulation.nowUs < 4_000_000) simulation.run(1_000)
  const before = { both: tokensOf('both'), alone: tokensOf('alone') }
  while (!simulation.run(10_000)) continue
  return { both: tokensOf('both') - before.both, alone: tokensOf('alone') - before.alone }
}

describe(`models of one weight, one of them in two pools, seed ${SEED}`, () => {
  it('get about as much as each other, as far as placement allows, where the cluster is weighed as a whole', () => {
    const { both, alone } = served(skewed(true))
    // The group that one of them has to itself computes a little more than the other, all of whose turns go to the second.
    expect(both / alone).toBeGreaterThan(0.95)
    expect(both / alone).toBeLessThan(1.2)
  })

  it('get what their pools give them where it is not', () => {
    const { both, alone } = served(skewed(false))
    expect(both / alone).toBeGreaterThan(2.5)
  })
})
