import { models as catalogue } from '@kvasir/hardware'
import { describe, expect, it } from 'vitest'
import type { RequestRecord } from '../request.js'
import { streamOf, takeAll } from '../streams/combinators.js'
import { ARENA_REQUESTS } from './arena-models.js'
import { dealModels, type DealRule } from './deal.js'
import {
  architecturesByPopularity,
  defaultModelMap,
  lookUpModel,
  mapOf,
  overrideModelMap,
  printModelMap,
} from './model-map.js'

function request(id: number, rest: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id: `r${id}`,
    arrivalUs: id,
    model: undefined,
    promptTokens: 1,
    outputTokens: 1,
    priority: 0,
    tenant: undefined,
    deadlineUs: undefined,
    session: undefined,
    prefixBlocks: undefined,
    prefixBlockTokens: 0,
    ...rest,
  }
}

function dealt(rule: DealRule, records: readonly RequestRecord[]): readonly (string | undefined)[] {
  return takeAll(dealModels(streamOf(records), rule)).map(({ model }) => model)
}

describe('the default model map', () => {
  it('knows every name of the traces', () => {
    expect(defaultModelMap.get('m-small')).toEqual({ name: 'm-small', architecture: 'Qwen3-8B' })
    expect(defaultModelMap.get('m-mid')?.architecture).toBe('Qwen3-32B')
    expect(defaultModelMap.get('m-large')?.architecture).toBe('Llama-3.1-70B')
    expect(defaultModelMap.get('deepseek-r1')?.architecture).toBe('DeepSeek-R1-Distill-Llama-70B')
    expect(defaultModelMap.get('ChatGPT')?.architecture).toBe('Llama-3.1-8B')
    expect(defaultModelMap.get('GPT-4')?.architecture).toBe('Llama-3.1-70B')
  })

  it('gives a third of the Arena models each size, the most popular the smallest', () => {
    const sizes = ARENA_REQUESTS.map(([model]) => defaultModelMap.get(model)?.architecture)
    expect(sizes).toEqual([
      ...Array.from({ length: 9 }, () => 'Qwen3-8B'),
      ...Array.from({ length: 9 }, () => 'Qwen3-14B'),
      ...Array.from({ length: 9 }, () => 'Qwen3-32B'),
    ])
    expect(new Set(ARENA_REQUESTS.map(([model]) => defaultModelMap.get(model)?.name)).size).toBe(27)
  })

  it('names only architectures that the catalogue has', () => {
    const known = new Set(catalogue.map(({ name }) => name))
    const unknown = [...defaultModelMap.values()].filter(({ architecture }) => !known.has(architecture))
    expect(unknown).toEqual([])
  })

  it('is overridden name by name', () => {
    const map = overrideModelMap(
      defaultModelMap,
      new Map([['m-small', { name: 'chat', architecture: 'Qwen3-14B' }]]),
    )
    expect(lookUpModel(map, 'm-small', new Set())).toEqual({
      kind: 'mapped',
      mapping: { name: 'chat', architecture: 'Qwen3-14B' },
    })
    expect(map.size).toBe(defaultModelMap.size)
    expect(printModelMap(map)[0]).toBe('m-small -> chat (Qwen3-14B)')
  })

  it('lets catalogue names stand for themselves and refuses the rest', () => {
    const map = mapOf([['a', 'A']])
    expect(lookUpModel(map, 'B', new Set(['B']))).toEqual({
      kind: 'mapped',
      mapping: { name: 'B', architecture: 'B' },
    })
    expect(lookUpModel(map, 'C', new Set(['B']))).toEqual({ kind: 'unknown', traceName: 'C', known: ['a'] })
  })
})

describe('architectures by popularity', () => {
  it('go by count, then by name, with the remainder in the earlier groups', () => {
    const requests = [
      ['d', 1],
      ['a', 5],
      ['c', 1],
      ['b', 9],
    ] as const
    expect(architecturesByPopularity(requests, ['S', 'M', 'L'])).toEqual([
      ['b', 'S'],
      ['a', 'S'],
      ['c', 'M'],
      ['d', 'M'],
    ])
  })
})

describe('dealing models', () => {
  const records = Array.from({ length: 1_000 }, (_, i) => request(i))
  const models = [
    { model: 'a', weight: 3 },
    { model: 'b', weight: 1 },
    { model: 'c', weight: 1 },
  ]

  it('to one gives it everything that has no model yet', () => {
    expect(dealt({ kind: 'one', model: 'a' }, [request(1), request(2, { model: 'x' })])).toEqual(['a', 'x'])
  })

  it('round robin is exact in every cycle and never far off in between', () => {
    const order = dealt({ kind: 'round_robin', models }, records)
    expect(order.slice(0, 5)).toEqual(['a', 'b', 'a', 'c', 'a'])
    for (let n = 1; n <= order.length; n++)
      for (const { model, weight } of models) {
        const served = order.slice(0, n).filter((name) => name === model).length
        expect(Math.abs(served - (n * weight) / 5)).toBeLessThanOrEqual(1)
      }
  })

  it('by session keeps sessions together, then tenants, and comes close to the weights', () => {
    const rule: DealRule = { kind: 'by_session', models }
    const sessions = records.map((record, i) => request(i, { session: `s${i % 7}`, tenant: record.id }))
    const bySession = dealt(rule, sessions)
    expect(bySession.every((model, i) => model === bySession[i % 7])).toBe(true)
    const byTenant = dealt(
      rule,
      records.map((_, i) => request(i, { tenant: `t${i % 5}` })),
    )
    expect(byTenant.every((model, i) => model === byTenant[i % 5])).toBe(true)
    const share = dealt(rule, records).filter((model) => model === 'a').length / records.length
    expect(Math.abs(share - 0.6)).toBeLessThan(0.06)
  })

  it('to nobody, or by a weight of 0, is refused', () => {
    expect(() => dealModels(streamOf([]), { kind: 'round_robin', models: [] })).toThrow('no models')
    expect(() =>
      dealModels(streamOf([]), { kind: 'by_session', models: [{ model: 'a', weight: 0 }] }),
    ).toThrow('weight')
  })
})
