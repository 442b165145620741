import { parseScenario } from '@kvasir/contracts'
import type { KernelProfile } from '@kvasir/hardware'
import { describe, expect, it } from 'vitest'
import { CostTables } from './cost-tables.js'
import { planCluster } from './plan/index.js'

function plan() {
  const parsed = parseScenario({
    name: 'two',
    durationS: 1,
    cluster: { preset: 'h100_16gpu' },
    models: [{ name: 'chat', architecture: 'Llama-3.1-8B', replicas: 2 }],
    workload: {
      generators: [
        {
          model: 'chat',
          arrivals: { kind: 'poisson', ratePerS: 1 },
          lengths: { prompt: { kind: 'fixed', tokens: 8 }, output: { kind: 'fixed', tokens: 8 } },
        },
      ],
    },
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join())
  const planning = planCluster(parsed.value)
  if (planning.kind === 'refused') throw new Error(planning.problems.join())
  return planning.value.plan
}

/** Says nothing of its own: all is as shipped. */
const profile: KernelProfile = {
  gpu: 'H100',
  measuredWith: 'nothing',
  source: 'nowhere',
  fittedOn: 'never',
  products: [],
  decodeAttention: [],
  prefillAttention: [],
  experts: { fit: { points: 0, error: 0 }, tokens: [], layers: [] },
  allReduce: [],
}

describe('CostTables', () => {
  it('gives one table to a model on groups of one kind, in this plan and the next', () => {
    const costs = new CostTables()
    const [first, second] = plan().pools
    const [model] = plan().models
    const table = costs.of(model, first)
    expect(costs.of(model, second)).toBe(table)
    expect(costs.of(plan().models[0], first)).toBe(table)
  })

  it('gives others to other ways of knowing step times', () => {
    const costs = new CostTables()
    const [pool] = plan().pools
    const [model] = plan().models
    const tables = [
      costs.of(model, pool),
      costs.of(model, { ...pool, basis: 'roofline' }),
      costs.of(model, { ...pool, profile }),
      costs.of(model, { ...pool, profile: { ...profile } }),
    ]
    expect(new Set(tables).size).toBe(4)
    expect(costs.of(model, { ...pool, profile })).toBe(tables[2])
  })
})
