import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { divide } from '../divide.js'
import { clusterOracle } from '../testing/cluster-oracle.js'
import { type ClusterShape, dividedByPools, randomCluster } from '../testing/clusters.js'
import { shuffled } from '../testing/instances.js'
import { compareRationals } from '../testing/oracle.js'
import type { ClusterDivision, ClusterEngine, ClusterInput } from './cluster.js'
import { divideCluster } from './divide-cluster.js'

const SEED = 20_241_121

function engine(id: string, model: string, terms: Partial<ClusterEngine> = {}): ClusterEngine {
  return { engine: id, model, guarantee: 0, limit: Infinity, demand: Infinity, ...terms }
}

function totalsOf(division: ClusterDivision): Record<string, number> {
  return Object.fromEntries(division.targets.map(({ model, exact }) => [model, exact]))
}

describe('divideCluster', () => {
  it('gives a model that is alone somewhere less where it must share', () => {
    const input: ClusterInput = {
      models: [
        { id: 'a', weight: 1 },
        { id: 'b', weight: 1 },
      ],
      pools: [
        { capacity: 600, engines: [engine('a0', 'a'), engine('b0', 'b')] },
        { capacity: 400, engines: [engine('a1', 'a')] },
      ],
    }
    // By the models' own weights pool by pool it would be 700 to 300.
    expect(dividedByPools(input)).toEqual([700, 300])
    const plan = divideCluster(input)
    expect(totalsOf(plan)).toEqual({ a: 500, b: 500 })
    expect(plan.pools[0].map(({ exact }) => exact)).toEqual([100, 500])
    expect(dividedByPools(input, plan)).toEqual([500, 500])
  })

  it('stops where placement ends, and gives what is left to those who can use it', () => {
    const plan = divideCluster({
      models: [
        { id: 'a', weight: 1 },
        { id: 'b', weight: 1 },
        { id: 'c', weight: 2 },
      ],
      pools: [
        { capacity: 100, engines: [engine('a0', 'a'), engine('b0', 'b')] },
        { capacity: 900, engines: [engine('b1', 'b'), engine('c1', 'c')] },
      ],
    })
    expect(totalsOf(plan)).toEqual({ a: 99, b: 901 / 3, c: 1802 / 3 })
  })

  it('keeps the models’ own weights when everything is in one pool', () => {
    const rng = new SeededRng(SEED, 'one pool')
    for (let run = 0; run < 500; run++) {
      const input = randomCluster(rng, { ...SMALL, poolsMax: 1, terms: false })
      const seen = new Set<string>()
      const engines = input.pools[0].engines.filter(({ model }) => !seen.has(model) && seen.add(model))
      const single = { models: input.models, pools: [{ ...input.pools[0], engines }] }
      const plan = divideCluster(single)
      const weights = engines.map(({ model }) => input.models.find(({ id }) => id === model)?.weight ?? 0)
      expect(
        plan.pools[0].map(({ weight }) => weight),
        `run ${run}`,
      ).toEqual(weights)
      const claims = engines.map(({ engine: id, model: _, ...terms }, i) => ({
        id,
        weight: weights[i],
        ...terms,
      }))
      const { exact } = divide({ capacity: input.pools[0].capacity, claims })
      plan.pools[0].forEach((share, i) => expect(share.exact).toBeCloseTo(exact[i], 6))
    }
  })

  it('keeps a model within its limit over all pools, and says so to every pool', () => {
    const input: ClusterInput = {
      models: [
        { id: 'a', weight: 9, limit: 301 },
        { id: 'b', weight: 1 },
      ],
      pools: [
        { capacity: 500, engines: [engine('a0', 'a'), engine('b0', 'b')] },
        { capacity: 500, engines: [engine('a1', 'a')] },
      ],
    }
    const plan = divideCluster(input)
    expect(totalsOf(plan)).toEqual({ a: 301, b: 499 })
    // An engine with demand is never left without a unit.
    expect(plan.pools.flatMap((pool) => pool.map(({ limit }) => limit))).toEqual([1, Infinity, 300])
    expect(dividedByPools(input, plan)).toEqual([301, 499])
  })

  it('keeps a model’s guarantee over all pools together', () => {
    const input: ClusterInput = {
      models: [
        { id: 'a', weight: 1, guarantee: 800 },
        { id: 'b', weight: 9 },
      ],
      pools: [
        { capacity: 500, engines: [engine('a0', 'a'), engine('b0', 'b')] },
        { capacity: 500, engines: [engine('a1', 'a'), engine('b1', 'b')] },
      ],
    }
    const plan = divideCluster(input)
    expect(totalsOf(plan)).toEqual({ a: 800, b: 200 })
    expect(dividedByPools(input, plan)).toEqual([800, 200])
  })

  it('divides guarantees that cannot all be kept among those they hold back, and nobody else', () => {
    const plan = divideCluster({
      models: [
        { id: 'a', weight: 1, guarantee: 800 },
        { id: 'b', weight: 1, guarantee: 700 },
        { id: 'c', weight: 1 },
        { id: 'd', weight: 3 },
      ],
      pools: [
        { capacity: 1000, engines: [engine('a0', 'a'), engine('b0', 'b')] },
        { capacity: 1000, engines: [engine('c1', 'c'), engine('d1', 'd')] },
      ],
    })
    expect(totalsOf(plan)).toEqual({ a: 500, b: 500, c: 250, d: 750 })
    expect(plan.conditions).toEqual([{ kind: 'guarantees_overcommitted', models: ['a', 'b'] }])
  })

  it('plans nothing in a pool whose engines’ guarantees exceed it', () => {
    const input: ClusterInput = {
      models: [
        { id: 'a', weight: 1 },
        { id: 'b', weight: 3 },
      ],
      pools: [
        {
          capacity: 100,
          engines: [engine('a0', 'a', { guarantee: 100 }), engine('b0', 'b', { guarantee: 100 })],
        },
        { capacity: 100, engines: [engine('b1', 'b')] },
      ],
    }
    const plan = divideCluster(input)
    expect(plan.pools[0].map(({ weight, exact }) => [weight, exact])).toEqual([
      [1, 25],
      [3, 75],
    ])
    expect(dividedByPools(input, plan)).toEqual([25, 175])
  })

  it('leaves an engine without demand the weight of its model for when it wakes', () => {
    const plan = divideCluster({
      models: [
        { id: 'a', weight: 2 },
        { id: 'b', weight: 1 },
      ],
      pools: [
        { capacity: 100, engines: [engine('a0', 'a', { demand: 0 }), engine('b0', 'b')] },
        { capacity: 100, engines: [engine('a1', 'a')] },
      ],
    })
    expect(plan.pools[0].map(({ weight }) => weight)).toEqual([2, 1])
  })

  it('answers with nothing for clusters of nothing', () => {
    expect(divideCluster({ models: [], pools: [] }).targets).toEqual([])
    const plan = divideCluster({ models: [{ id: 'a', weight: 1 }], pools: [{ capacity: 10, engines: [] }] })
    expect(totalsOf(plan)).toEqual({ a: 0 })
  })

  it.each([
    ['an unknown model', { models: [], pools: [{ capacity: 1, engines: [engine('e', 'x')] }] }, /e serves x/],
    [
      'a doubled engine',
      {
        models: [{ id: 'a', weight: 1 }],
        pools: [{ capacity: 1, engines: [engine('e', 'a'), engine('e', 'a')] }],
      },
      /2 engines have 1 ids/,
    ],
    ['a weight of 0', { models: [{ id: 'a', weight: 0 }], pools: [] }, /weight 0 of a/],
    [
      'a doubled model',
      {
        models: [
          { id: 'a', weight: 1 },
          { id: 'a', weight: 1 },
        ],
        pools: [],
      },
      /2 models have 1 ids/,
    ],
    [
      'too large products',
      { models: [{ id: 'a', weight: 2 ** 30 }], pools: [{ capacity: 2 ** 30, engines: [] }] },
      /pass 2\^53/,
    ],
  ])('fails loudly on %s', (_, input: ClusterInput, message) => {
    expect(() => divideCluster(input)).toThrow(message)
  })
})

const SMALL: ClusterShape = { modelsMax: 4, poolsMax: 3, capacityMax: 400, weightMax: 9, terms: true }
const LARGE: ClusterShape = { modelsMax: 24, poolsMax: 24, capacityMax: 100_000, weightMax: 100, terms: true }

describe(`a cluster’s totals, seed ${SEED}`, () => {
  it('equal the optimum of linear programmes in exact rationals', () => {
    const rng = new SeededRng(SEED, 'optimum')
    let judged = 0
    for (let run = 0; run < 250; run++) {
      const input = randomCluster(rng, SMALL)
      const truth = clusterOracle(input)
      if (truth === undefined) continue
      judged++
      divideCluster(input).targets.forEach(({ numerator, denominator }, m) => {
        const total = { num: BigInt(numerator), den: BigInt(denominator) }
        if (compareRationals(total, truth[m]) !== 0)
          expect.fail(
            `run ${run}, model ${m}: ${numerator}/${denominator}, not ${truth[m].num}/${truth[m].den} in ${JSON.stringify(input)}`,
          )
      })
    }
    console.info(`cluster: ${judged} of 250 instances judged by linear programmes`)
    expect(judged).toBeGreaterThan(150)
  })

  it('are what the pools arrive at in one round, but for a unit an engine', () => {
    const rng = new SeededRng(SEED, 'rounds')
    let [worstBefore, worstAfter, worstUnits] = [0, 0, 0]
    for (let run = 0; run < 400; run++) {
      const input = randomCluster(rng, LARGE)
      const plan = divideCluster(input)
      const before = dividedByPools(input)
      const after = dividedByPools(input, plan)
      plan.targets.forEach(({ model, exact }, m) => {
        const engines = input.pools.reduce(
          (count, pool) => count + pool.engines.filter((each) => each.model === model).length,
          0,
        )
        const apart = Math.abs(after[m] - exact)
        worstUnits = Math.max(worstUnits, apart)
        if (apart > engines + exact / 1e5)
          expect.fail(`run ${run}: ${model} got ${after[m]}, not ${exact} in ${JSON.stringify(input)}`)
        if (exact < 100 * engines) return
        worstBefore = Math.max(worstBefore, Math.abs(before[m] - exact) / exact)
        worstAfter = Math.max(worstAfter, apart / exact)
      })
    }
    const percent = (share: number) => `${(100 * share).toFixed(3)} %`
    console.info(
      `cluster: worst model ${percent(worstBefore)} from its target by its own weight, ${percent(worstAfter)} (${worstUnits.toFixed(1)} units) with the plan`,
    )
    expect(worstAfter).toBeLessThan(0.01)
  })

  it('are kept by the next plan, which moves nothing while nothing changes', () => {
    const rng = new SeededRng(SEED, 'steady')
    for (let run = 0; run < 200; run++) {
      const input = randomCluster(rng, LARGE)
      const first = divideCluster(input)
      const second = divideCluster({ ...input, before: first.plan })
      expect(second.targets, `run ${run}`).toEqual(first.targets)
      second.pools.forEach((pool, p) =>
        pool.forEach(({ exact }, i) => {
          const was = first.pools[p][i].exact
          if (Math.abs(exact - was) > 2 + input.pools[p].capacity / 1e5)
            expect.fail(
              `run ${run}: engine ${i} of pool ${p} went from ${was} to ${exact} in ${JSON.stringify(input)}`,
            )
        }),
      )
    }
  })

  it('are the same whatever the order of pools and models', () => {
    const rng = new SeededRng(SEED, 'order')
    for (let run = 0; run < 200; run++) {
      const input = randomCluster(rng, LARGE)
      const mixed = { models: shuffled(rng, input.models), pools: shuffled(rng, input.pools) }
      const totals = new Map(divideCluster(input).targets.map((target) => [target.model, target]))
      for (const { model, numerator, denominator } of divideCluster(mixed).targets) {
        const other = totals.get(model)
        const equal =
          BigInt(numerator) * BigInt(other?.denominator ?? 0) ===
          BigInt(other?.numerator ?? 0) * BigInt(denominator)
        if (!equal) expect.fail(`run ${run}: ${model} has another total in ${JSON.stringify(input)}`)
      }
    }
  })

  it('are reached one plan after demand stops changing, whatever was planned before', () => {
    const rng = new SeededRng(SEED, 'late')
    let worst = 0
    for (let run = 0; run < 60; run++) {
      const input = randomCluster(rng, { ...LARGE, terms: false })
      let plan = divideCluster(input)
      // Demand doubles, halves and stops everywhere; the plan in force is always one report late.
      for (let round = 0; round < 5; round++) {
        const pools = input.pools.map(({ capacity, engines }) => ({
          capacity,
          engines: engines.map((each) => ({
            ...each,
            demand: rng.int(3) === 0 ? 0 : each.demand * (1 + rng.int(3)) || 0,
          })),
        }))
        plan = divideCluster({ models: input.models, pools, before: plan.plan })
      }
      plan = divideCluster({ ...input, before: plan.plan })
      const totals = dividedByPools(input, plan)
      plan.targets.forEach(({ exact }, m) => {
        if (exact >= 1_000) worst = Math.max(worst, Math.abs(totals[m] - exact) / exact)
      })
    }
    console.info(
      `cluster: ${(100 * worst).toFixed(3)} % from the target at most, one plan after demand settled`,
    )
    expect(worst).toBeLessThan(0.01)
  })
})
