import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { knownModel } from './model.js'
import { weightBytesPerRank } from './model-size.js'
import { minimumTp, poolMemory } from './pool-memory.js'

const h100 = knownGpu('H100')

describe('poolMemory', () => {
  test('leaves whole bundles of what weights and reserve do not take', () => {
    const models = [knownModel('Llama-3-70B'), knownModel('Llama-3-8B')]
    const memory = poolMemory({ gpu: h100, tp: 4, models })
    if (memory.kind !== 'fits') throw new Error(memory.reason)
    const weights = models.reduce((sum, model) => sum + weightBytesPerRank(model, 4), 0)
    expect(memory.weightBytesPerRank).toBe(weights)
    const free = Math.floor(h100.memoryBytes * 0.9) - 4e9 - weights
    expect(memory.bundles).toBe(Math.floor(free / (8 * 1024 * 1024)))
  })

  test('gives Llama-3-8B on one H100 about the KV tokens that vLLM finds', () => {
    // 90 % of 80 GiB less 16 GB of weights and 4 GB: some 430,000 tokens of 128 KiB.
    const memory = poolMemory({ gpu: h100, tp: 1, models: [knownModel('Llama-3-8B')] })
    if (memory.kind !== 'fits') throw new Error(memory.reason)
    const tokens = (memory.bundles * memory.bundleBytesPerRank) / 131_072
    expect(tokens).toBeGreaterThan(400_000)
    expect(tokens).toBeLessThan(460_000)
  })

  test('refuses weights that exceed the memory, with the numbers', () => {
    expect(poolMemory({ gpu: h100, tp: 1, models: [knownModel('Llama-3-70B')] })).toMatchObject({
      kind: 'refused',
      reason: 'weights_exceed_memory',
      gpu: 'H100',
      tp: 1,
      weightBytesPerRank: weightBytesPerRank(knownModel('Llama-3-70B'), 1),
      reserveBytesPerRank: 4e9,
    })
  })

  test('counts a model that is resident twice twice', () => {
    const model = knownModel('Qwen3-32B')
    expect(poolMemory({ gpu: h100, tp: 2, models: [model] }).kind).toBe('fits')
    expect(poolMemory({ gpu: h100, tp: 2, models: [model, model, model] }).kind).toBe('refused')
  })

  test('never has more bundles for a larger reserve, lower utilisation or more models', () => {
    const models = [knownModel('Llama-3-8B')]
    const bundles = (options: object) => {
      const memory = poolMemory({ gpu: h100, tp: 2, models, ...options })
      return memory.kind === 'fits' ? memory.bundles : 0
    }
    expect(bundles({ reserveBytesPerRank: 8e9 })).toBeLessThan(bundles({}))
    expect(bundles({ memoryUtilisation: 0.8 })).toBeLessThan(bundles({}))
    expect(bundles({ models: [...models, ...models] })).toBeLessThan(bundles({}))
    expect(bundles({ pagesPerBundle: 8 })).toBe(Math.floor(bundles({}) / 2))
  })

  test('refuses a split the heads do not allow', () => {
    const models = [knownModel('DeepSeek-R1-Distill-Qwen-7B')]
    expect(poolMemory({ gpu: h100, tp: 8, models })).toMatchObject({ reason: 'heads_not_divisible' })
  })

  test.each([0, 1.1, Number.NaN])('never accepts a memory utilisation of %d', (memoryUtilisation) => {
    expect(() => poolMemory({ gpu: h100, tp: 1, models: [], memoryUtilisation })).toThrow(
      'memory utilisation',
    )
  })
})

describe('minimumTp', () => {
  test.each([
    ['H100', 'Llama-3-8B', 1],
    ['H100', 'Llama-3-70B', 2],
    ['A100-40GB', 'Llama-3-70B', 8],
    ['H200', 'DeepSeek-R1', 8],
    ['B200', 'DeepSeek-R1', 8],
    ['H100', 'Mixtral-8x7B', 2],
  ])('on %s, %s needs %d', (gpu, model, tp) => {
    expect(minimumTp(knownGpu(gpu), knownModel(model))).toEqual({ kind: 'fits', tp })
  })

  test('refuses a model that no group of a node holds', () => {
    expect(minimumTp(h100, knownModel('DeepSeek-R1'))).toEqual({
      kind: 'refused',
      reason: 'model_exceeds_node',
      gpu: 'H100',
      model: 'DeepSeek-R1',
      tpMax: 8,
    })
    expect(minimumTp(h100, knownModel('DeepSeek-R1'), 16)).toEqual({ kind: 'fits', tp: 16 })
  })
})
