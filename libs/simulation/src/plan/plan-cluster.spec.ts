import { parseScenario, type Scenario, type ScenarioInput } from '@kvasir/contracts'
import { kvGeometry, knownModel } from '@kvasir/hardware'
import { describe, expect, it } from 'vitest'
import type { ClusterPlan } from '../cluster-plan.js'
import type { ModelDemand } from './group-time.js'
import { planCluster } from './plan-cluster.js'

const noWork: ScenarioInput['workload'] = { traces: [{ file: 'none.csv' }] }

function scenario(input: Omit<ScenarioInput, 'name' | 'workload'>): Scenario {
  const parsed = parseScenario({ name: 'test', workload: noWork, ...input })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  return parsed.value
}

function plan(input: Omit<ScenarioInput, 'name' | 'workload'>, demand?: ModelDemand) {
  const result = planCluster(scenario(input), demand)
  if (result.kind === 'refused') throw new Error(result.problems.join('\n'))
  return result.value
}

function problems(input: Omit<ScenarioInput, 'name' | 'workload'>): readonly string[] {
  const result = planCluster(scenario(input))
  return result.kind === 'refused' ? result.problems : []
}

function placement({ engines }: ClusterPlan): readonly string[] {
  return engines.map(({ id }) => id)
}

const small = { name: 'small', architecture: 'Llama-3.1-8B' }
const large = { name: 'large', architecture: 'Llama-3.1-70B' }

describe('groups', () => {
  it('makes four TP-4 groups of sixteen GPUs', () => {
    const { pools } = plan({ models: [{ ...small, replicas: 4 }] }).plan
    expect(pools.map(({ id, gpu, tp }) => `${id} ${gpu} ${tp}`)).toEqual([
      'p0 H100 4',
      'p1 H100 4',
      'p2 H100 4',
      'p3 H100 4',
    ])
  })

  it('keeps GPU models apart and leaves none idle', () => {
    const { pools } = plan({
      cluster: {
        nodes: [{ gpus: ['H100', 'H100', 'H100', 'A100-80GB', 'A100-80GB'] }, { gpu: 'H100', count: 1 }],
      },
      models: [{ ...small, replicas: 4 }],
    }).plan
    expect(pools.map(({ gpu, tp }) => `${gpu} ${tp}`)).toEqual(['H100 2', 'H100 1', 'A100-80GB 2', 'H100 1'])
  })

  it('shares the time of every group unless told, or what one group is told', () => {
    const sharing = (cluster: ScenarioInput['cluster']) =>
      plan({ cluster, models: [{ ...small, pools: ['p0', 'p1'] }] }).plan.pools.map((pool) => pool.sharing)
    expect(sharing({ preset: 'h100_8gpu' })).toEqual([undefined, undefined])
    expect(sharing({ preset: 'h100_8gpu', sharing: 'spatial' })).toEqual(['spatial', 'spatial'])
    const groups = ['p0', 'p1'].map((id) => ({ id, gpu: 'H100', tp: 4 }))
    const [first, second] = groups
    expect(sharing({ groups: [first, { ...second, sharing: 'spatial' }] })).toEqual([undefined, 'spatial'])
  })

  it('takes groups by hand, by any spelling of the GPU', () => {
    const { pools } = plan({
      cluster: { groups: [{ id: 'left', gpu: 'h100-sxm', tp: 8 }] },
      models: [small],
    }).plan
    expect(pools).toMatchObject([{ id: 'left', gpu: 'H100', tp: 8 }])
  })

  it.each([
    [{ preset: 'h100_sixteen' }, 'cluster.preset is "h100_sixteen"; it must be one of'],
    [
      { preset: 'h1000_8gpu' },
      'cluster.preset is "h1000_8gpu"; it must begin with a GPU of the catalogue, such as H100',
    ],
    [{ nodes: [{ gpus: ['H100', 'H10'] }] }, 'cluster.nodes[0].gpus[1] is "H10"; it must be one of'],
    [{ groups: [{ id: 'a', gpu: 'TPU', tp: 1 }] }, 'cluster.groups[0].gpu is "TPU"; it must be one of'],
    [{ preset: 'h100_8gpu', tp: 16 }, 'cluster.tp is 16; it must be at most'],
  ])('refuses %j', (cluster, sentence) => {
    expect(problems({ cluster, models: [small] }).join('\n')).toContain(sentence)
  })
})

describe('placement', () => {
  it('spreads replicas over pools, no two of a model on one', () => {
    const { plan: cluster } = plan({
      models: [
        { ...large, replicas: 4 },
        { ...small, replicas: 2 },
      ],
    })
    expect(placement(cluster)).toEqual([
      'large@p0',
      'large@p1',
      'large@p2',
      'large@p3',
      'small@p1',
      'small@p3',
    ])
  })

  it('puts the heaviest first, so that the light ones fill what is left', () => {
    const { plan: cluster } = plan({ cluster: { preset: 'h100_8gpu' }, models: [small, large] })
    expect(placement(cluster)).toEqual(['small@p1', 'large@p0'])
  })

  it('keeps to pools chosen by hand, with their times', () => {
    const { plan: cluster } = plan({
      cluster: { preset: 'h100_8gpu' },
      models: [{ ...small, pools: ['p1', { pool: 'p0', joinS: 1, leaveS: 2.5 }] }],
    })
    expect(cluster.engines).toEqual([
      { id: 'small@p0', model: 'small', pool: 'p0', joinUs: 1_000_000, leaveUs: 2_500_000 },
      { id: 'small@p1', model: 'small', pool: 'p1', joinUs: 0, leaveUs: undefined },
    ])
  })

  it('gives models replicas by their load until no replica bears more than a pool should', () => {
    const traffic = { requests: 1000, promptTokens: 1_000_000, outputTokens: 200_000 }
    const demand = new Map([
      ['large', traffic],
      ['small', traffic],
    ])
    const { plan: cluster } = plan({ models: [small, large] }, demand)
    expect(placement(cluster)).toEqual(['small@p1', 'large@p0', 'large@p1', 'large@p2', 'large@p3'])
  })

  it('puts busy models on pools of their own before it fills up with idle ones', () => {
    const busy = { requests: 1000, promptTokens: 1_000_000, outputTokens: 200_000 }
    const idle = { requests: 1, promptTokens: 100, outputTokens: 10 }
    const names = ['a', 'b', 'c', 'd'].map((name) => ({ name, architecture: 'Qwen3-32B' }))
    const models = [
      ...names,
      { name: 'x', architecture: 'Llama-3.1-8B' },
      { name: 'y', architecture: 'Llama-3.1-8B' },
    ]
    const demand = new Map(models.map(({ name }) => [name, name > 'w' ? busy : idle]))
    const { plan: cluster } = plan({ cluster: { preset: 'h100_8gpu' }, models }, demand)
    expect(new Set(cluster.engines.flatMap(({ model, pool }) => (model > 'w' ? [pool] : []))).size).toBe(2)
  })

  it('gives a model that is alone one replica on every pool', () => {
    const traffic = { requests: 1, promptTokens: 100, outputTokens: 10 }
    const { plan: cluster } = plan({ models: [large] }, new Map([['large', traffic]]))
    expect(placement(cluster)).toHaveLength(4)
  })

  it('adds groups when it may and the weights need them, and says so', () => {
    const models = Array.from({ length: 5 }, (_, i) => ({ name: `m${i}`, architecture: 'Llama-3.1-70B' }))
    const { plan: cluster, notes } = plan({ cluster: { preset: 'h100_16gpu', grow: true }, models })
    expect(cluster.pools.map(({ id }) => id)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4'])
    expect(notes).toEqual(['added TP-4 group p4 of H100: the weights of m4 need it'])
  })

  it('adds a wider group for a model that no other holds', () => {
    const { plan: cluster } = plan({
      cluster: { preset: 'h100_8gpu', grow: true },
      models: [{ name: 'huge', architecture: 'Qwen3-235B-A22B' }],
    })
    expect(cluster.pools).toMatchObject([{ id: 'p2', tp: 8 }])
  })

  it.each([
    [
      { preset: 'h100_8gpu' },
      [{ name: 'huge', architecture: 'Qwen3-235B-A22B' }],
      /models\[0\]: huge \(Qwen3-235B-A22B\) fits on none of p0 \(1\d\d\.\d GB of weights on each GPU, of 7\d\.\d GB usable\).*tp 8 or more/,
    ],
    [
      { preset: 'h100_8gpu' },
      [{ name: 'huge', architecture: 'Llama-3.1-405B' }],
      /no TP group of a node of H100 holds it/,
    ],
    [
      { preset: 'h100_8gpu' },
      [
        { ...large, pools: ['p0'] },
        { name: 'second', architecture: 'Qwen3-32B', pools: ['p0'] },
        { name: 'third', architecture: 'Qwen3-32B', pools: ['p0'] },
      ],
      /models\[2\]\.pools\[0\]: third .* with large and second, of/,
    ],
    [
      { preset: 'h100_8gpu' },
      [{ ...small, replicas: 3 }],
      /models\[0\]\.replicas is 3; it must be at most 2/,
    ],
    [
      { preset: 'h100_8gpu' },
      [{ ...small, pools: ['p7'] }],
      /models\[0\]\.pools\[0\] is "p7"; it must be one of p0, p1/,
    ],
    [{ preset: 'h100_8gpu' }, [{ ...small, pools: ['p1', 'p1'] }], /models\[0\]\.pools\[1\] is "p1" again/],
    [
      { preset: 'h100_8gpu' },
      [{ name: 'x', architecture: 'Lama-8B' }],
      /models\[0\]\.architecture is "Lama-8B".*Llama/,
    ],
    [{ groups: [{ id: 'a', gpu: 'H100', tp: 3 }] }, [small], /heads do not divide by tp 3/],
  ])('refuses with numbers: %j %j', (cluster, models, sentence) => {
    expect(problems({ cluster, models }).join('\n')).toMatch(sentence)
  })
})

describe('memory and limits', () => {
  it('warns when weights leave next to nothing for KV', () => {
    const groups = [{ id: 'a', gpu: 'L4', tp: 8 }]
    const { notes } = plan({ cluster: { groups, reserveGiB: 3.35 }, models: [large] })
    expect(notes.join()).toMatch(/weights leave only 0\.\d GB for KV on a/)
  })

  it('counts bundles after the weights of every engine on the pool', () => {
    const cluster = { preset: 'h100_8gpu', reserveGiB: 4 }
    const alone = plan({ cluster, models: [{ ...large, pools: ['p0'] }] }).plan.pools[0]
    const shared = plan({
      cluster,
      models: [
        { ...large, pools: ['p0'] },
        { ...small, pools: ['p0'] },
      ],
    }).plan.pools[0]
    const bundleBytes = shared.pagesPerBundle * 2 * 1024 * 1024
    const weightBytesOfSmall = (alone.bundles - shared.bundles) * bundleBytes * shared.tp
    expect(weightBytesOfSmall / 1e9).toBeCloseTo(16, 0)
  })

  it('keeps memory for the steps and the runtime of every engine, or as much as it is told', () => {
    const models = [
      { ...large, pools: ['p0'] },
      { ...small, pools: ['p0'] },
    ]
    const bundles = (reserveGiB?: number, engine: Scenario['engine'] = {}) => {
      const cluster = { preset: 'h100_8gpu', ...(reserveGiB === undefined ? {} : { reserveGiB }) }
      return plan({ cluster, models, engine }).plan.pools[0].bundles
    }
    // Two processes with a gibibyte of collectives each, and what 8,192 tokens and 1,024 sequences take: 7 to 10 GiB.
    expect(bundles()).toBeLessThan(bundles(7))
    expect(bundles()).toBeGreaterThan(bundles(10))
    expect(bundles(undefined, { sequenceLimit: 64 })).toBeGreaterThan(bundles())
    expect(bundles(7) - bundles(8)).toBe(2 ** 30 / (8 * 2 ** 20))
  })

  it('makes bundles large enough for the largest block on the pool', () => {
    const { pools } = plan({
      cluster: { groups: [{ id: 'a', gpu: 'H200', tp: 1 }] },
      models: [{ ...small, engine: { blockSize: 256 } }],
    }).plan
    expect(pools[0].pagesPerBundle).toBe(16)
  })

  it('never promises a context that the pool could not hold', () => {
    const { plan: cluster } = plan({
      cluster: { groups: [{ id: 'a', gpu: 'L4', tp: 1 }] },
      models: [{ ...small, limit: 0.5 }],
    })
    const [pool] = cluster.pools
    const geometry = kvGeometry({
      model: knownModel('Llama-3.1-8B'),
      tp: 1,
      blockSize: 16,
      pagesPerBundle: pool.pagesPerBundle,
    })
    if (geometry.kind !== 'fits') throw new Error('no block fits')
    expect(cluster.models[0].scheduler.contextLimit).toBe(
      Math.floor(pool.bundles * 0.5) * geometry.tokensPerBundle,
    )
  })

  it('lets a model override what is said of all engines', () => {
    const { models } = plan({
      engine: { order: 'priority', stepTokenLimit: 512 },
      slo: { ttftMs: 100, tpotMs: 50 },
      models: [small, { ...large, engine: { stepTokenLimit: 1024 }, slo: { ttftMs: 200 } }],
    }).plan
    expect(models[0].scheduler).toMatchObject({ order: 'priority', stepTokenLimit: 512 })
    expect(models[1].scheduler).toMatchObject({ order: 'priority', stepTokenLimit: 1024 })
    expect(models[1].slo).toEqual({ ttftUs: 200_000, tpotUs: 50_000, e2eUs: undefined })
  })

  it('places blocks by fullest bundle where engines share a pool, else in the recorded order', () => {
    const { models } = plan({
      cluster: { preset: 'h100_8gpu' },
      models: [
        { ...large, pools: ['p0'] },
        { ...small, pools: ['p0'] },
        { name: 'alone', architecture: 'Qwen3-8B', pools: ['p1'] },
      ],
    }).plan
    expect(models.map((model) => model.placement)).toEqual([
      'fullest-bundle',
      'fullest-bundle',
      'queue-order',
    ])
  })

  it.each([
    ['fcfs', 0],
    ['fair', 0],
    ['priority', 1 / 60],
    ['weighted-fifo', 1 / 60],
    ['edf', 1 / 60],
    ['srpt', 100_000],
    ['wsrpt', 100_000],
  ] as const)('ages order %s by %d a second, and by what the scenario says', (order, agingPerS) => {
    const { models } = plan({
      models: [
        { ...small, engine: { order } },
        { ...large, engine: { order, agingPerS: 0 } },
      ],
    }).plan
    expect(models.map(({ scheduler }) => scheduler.agingPerUs)).toEqual([agingPerS / 1_000_000, 0])
  })

  it('predicts by max-tokens and sheds nothing, unless told', () => {
    const told = { predictor: 'learned', predictorQuantile: 0.9, shedUnreachable: true } as const
    const { models } = plan({ models: [small, { ...large, engine: told }] }).plan
    const untold = { predictor: 'max-tokens', predictorQuantile: 0.5, shedUnreachable: false }
    expect(models.map(({ scheduler }) => scheduler)).toMatchObject([untold, told])
  })

  it('refuses preemptive orders that cannot be, by the name of the order and of the model', () => {
    const engine = { preemptive: true }
    expect(problems({ engine, models: [{ ...small, engine: { order: 'fair' } }, large] })).toEqual([
      'order fair cannot be preemptive: tenants overtake each other with every token, so they would displace each other without end; set preemptive: false, or another order, for model small',
      'order fcfs cannot be preemptive: what runs came before what waits, so there is nobody to displace; set preemptive: false, or another order, for model large',
    ])
    expect(problems({ engine: { ...engine, order: 'srpt' }, models: [small, large] })).toEqual([])
  })
})

describe('engines as they were measured', () => {
  const alone = { groups: [{ id: 'g', gpu: 'H100', tp: 2 }] }

  it('have the number of blocks they are given, in whole bundles', () => {
    const { pools } = plan({ cluster: alone, models: [small], engine: { numGpuBlocks: 1003 } }).plan
    const geometry = kvGeometry({
      model: knownModel('Llama-3.1-8B'),
      tp: 2,
      blockSize: 16,
      pagesPerBundle: pools[0].pagesPerBundle,
    })
    if (geometry.kind !== 'fits') throw new Error('a block fits')
    expect(pools[0].bundles).toBe(Math.floor(1003 / geometry.blocksPerBundle))
  })

  it('are believed when they say what fits', () => {
    const one = { groups: [{ id: 'g', gpu: 'H100', tp: 1 }] }
    expect(problems({ cluster: one, models: [large] })).toHaveLength(1)
    expect(problems({ cluster: one, models: [large], engine: { numGpuBlocks: 400 } })).toEqual([])
  })

  it('cannot have a number of blocks on a group that others share', () => {
    const models = [
      { ...small, engine: { numGpuBlocks: 1000 } },
      { name: 'other', architecture: 'Qwen3-8B' },
    ]
    expect(problems({ cluster: alone, models }).join('\n')).toContain(
      'engine.numGpuBlocks of model small is 1000; it must be left out, or small needs a group of its own: g serves other too',
    )
  })

  it('hold more KV in smaller formats', () => {
    const bundles = (engine: Scenario['engine']) =>
      plan({ cluster: alone, models: [large], engine }).plan.pools[0].bundles
    expect(bundles({ dtype: 'fp8' })).toBeGreaterThan(2 * bundles({}))
    const [model] = plan({ cluster: alone, models: [large], engine: { dtype: 'fp8', kvDtype: 'fp8' } }).plan
      .models
    expect(model).toMatchObject({ weightDtype: 'fp8', kvDtype: 'fp8' })
  })

  it('take the front end of their host preset, or what they are told', () => {
    const frontEnd = (engine: Scenario['engine']) =>
      plan({ cluster: alone, models: [small], engine }).plan.models[0].frontEnd
    expect(frontEnd({})).toEqual({ latencyUs: 1000, eachUs: 1000 })
    expect(frontEnd({ frontEndMs: 9 })).toEqual({ latencyUs: 8000, eachUs: 1000 })
    expect(frontEnd({ frontEndMs: 0 })).toEqual({ latencyUs: 0, eachUs: 0 })
  })
})

describe('bundles', () => {
  // 40 heads of keys and values, half of them on each of two ranks: 16 tokens in 40 layers take 6.25 MiB.
  const models = [{ name: 'dense', architecture: 'Llama-2-13B' }, small]
  const cluster = (bundleMiB?: number) => ({
    groups: [{ id: 'g', gpu: 'H100', tp: 2 }],
    ...(bundleMiB === undefined ? {} : { bundleMiB }),
  })

  it('are of the size that is asked for, and as many as fit then', () => {
    const [own] = plan({ cluster: cluster(), models }).plan.pools
    const [large] = plan({ cluster: cluster(32), models }).plan.pools
    expect([own.pagesPerBundle, large.pagesPerBundle]).toEqual([4, 16])
    expect(large.bundles).toBe(Math.floor(own.bundles / 4))
  })

  it('are refused when no block fits', () => {
    expect(problems({ cluster: cluster(6), models })).toEqual([
      'cluster.bundleMiB is 6; it must be at least 8: a block of Llama-2-13B takes 6.3 MiB of each GPU',
    ])
  })
})
