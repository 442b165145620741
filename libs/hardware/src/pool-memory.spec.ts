import { describe, expect, test } from 'vitest'
import { engineFootprint, engineMemory } from './engine-memory.js'
import { knownGpu } from './gpu.js'
import { knownModel } from './model.js'
import { weightBytesPerRank } from './model-size.js'
import { minimumTp, type PoolEngine, poolMemory } from './pool-memory.js'

const h100 = knownGpu('H100')

/** An engine with vLLM's defaults for a server. */
function engine(name: string, changes: Partial<PoolEngine> = {}): PoolEngine {
  return { model: knownModel(name), stepTokenLimit: 8192, sequenceLimit: 256, ...changes }
}

describe('poolMemory', () => {
  test('leaves whole bundles of what all engines together do not take', () => {
    const engines = [engine('Llama-3-70B'), engine('Llama-3-8B')]
    const memory = poolMemory({ gpu: h100, tp: 4, engines })
    if (memory.kind !== 'fits') throw new Error(memory.reason)
    const footprints = engines.map((own) => engineFootprint({ ...own, tp: 4 }))
    const sum = (bytes: (own: (typeof footprints)[number]) => number) =>
      footprints.reduce((total, own) => total + bytes(own), 0)
    expect(memory.weightBytesPerRank).toBe(sum((own) => own.weightBytesPerRank))
    expect(memory.reserveBytesPerRank).toBe(
      sum((own) => own.activationBytesPerRank + own.runtimeBytesPerRank),
    )
    const free = memory.usableBytesPerRank - memory.weightBytesPerRank - memory.reserveBytesPerRank
    expect(memory.bundles).toBe(Math.floor(free / (8 * 1024 * 1024)))
  })

  test.each([
    ['Llama-3-8B', 1],
    ['Llama-3.1-70B', 4],
    ['Qwen3-30B-A3B', 2],
  ])('has as much for %s alone on %d H100 as the engine itself finds', (name, tp) => {
    const own = engine(name)
    const pool = poolMemory({ gpu: h100, tp, engines: [own] })
    const alone = engineMemory({ ...own, gpu: h100, tp, blockSize: 16 })
    if (pool.kind !== 'fits' || alone.kind !== 'fits') throw new Error('it fits')
    const poolBytes = pool.bundles * pool.bundleBytesPerRank
    expect(poolBytes / (alone.blocks * alone.blockBytesPerRank)).toBeCloseTo(1, 2)
  })

  test('refuses weights that exceed the memory, with the numbers', () => {
    const own = engine('Llama-3-70B')
    const { activationBytesPerRank, runtimeBytesPerRank } = engineFootprint({ ...own, tp: 1 })
    expect(poolMemory({ gpu: h100, tp: 1, engines: [own] })).toMatchObject({
      kind: 'refused',
      reason: 'weights_exceed_memory',
      gpu: 'H100',
      tp: 1,
      weightBytesPerRank: weightBytesPerRank(knownModel('Llama-3-70B'), 1),
      reserveBytesPerRank: activationBytesPerRank + runtimeBytesPerRank,
    })
  })

  test('counts a model that is resident twice twice', () => {
    const own = engine('Qwen3-32B')
    expect(poolMemory({ gpu: h100, tp: 2, engines: [own] }).kind).toBe('fits')
    expect(poolMemory({ gpu: h100, tp: 2, engines: [own, own, own] }).kind).toBe('refused')
  })

  test('never has more bundles for a larger reserve, lower utilisation, larger steps or more engines', () => {
    const bundles = (options: object, changes: Partial<PoolEngine> = {}) => {
      const memory = poolMemory({ gpu: h100, tp: 2, engines: [engine('Llama-3-8B', changes)], ...options })
      return memory.kind === 'fits' ? memory.bundles : 0
    }
    expect(bundles({ reserveBytesPerRank: 8e9 })).toBeLessThan(bundles({ reserveBytesPerRank: 4e9 }))
    expect(bundles({ memoryUtilisation: 0.8 })).toBeLessThan(bundles({}))
    expect(bundles({}, { stepTokenLimit: 16_384 })).toBeLessThan(bundles({}))
    expect(bundles({}, { sequenceLimit: 1024 })).toBeLessThan(bundles({}))
    expect(bundles({ engines: [engine('Llama-3-8B'), engine('Llama-3-8B')] })).toBeLessThan(bundles({}))
    expect(bundles({ pagesPerBundle: 8 })).toBe(Math.floor(bundles({}) / 2))
  })

  test('refuses a split the heads do not allow', () => {
    const engines = [engine('DeepSeek-R1-Distill-Qwen-7B')]
    expect(poolMemory({ gpu: h100, tp: 8, engines })).toMatchObject({ reason: 'heads_not_divisible' })
  })

  test.each([0, 1.1, Number.NaN])('never accepts a memory utilisation of %d', (memoryUtilisation) => {
    expect(() => poolMemory({ gpu: h100, tp: 1, engines: [], memoryUtilisation })).toThrow(
      'memory utilisation',
    )
  })
})

describe('minimumTp', () => {
  test.each([
    ['H100', 'Llama-3-8B', 1],
    ['H100', 'Llama-3-70B', 2],
    ['A100-40GB', 'Llama-3-70B', 4],
    ['H200', 'DeepSeek-R1', 8],
    ['B200', 'DeepSeek-R1', 4],
    ['H100', 'Mixtral-8x7B', 2],
  ])('on %s, %s needs %d', (gpu, model, tp) => {
    expect(minimumTp(knownGpu(gpu), engine(model))).toEqual({ kind: 'fits', tp })
  })

  test('refuses a model that no group of a node holds', () => {
    expect(minimumTp(h100, engine('DeepSeek-R1'))).toEqual({
      kind: 'refused',
      reason: 'model_exceeds_node',
      gpu: 'H100',
      model: 'DeepSeek-R1',
      tpMax: 8,
    })
    expect(minimumTp(h100, engine('DeepSeek-R1'), 16)).toEqual({ kind: 'fits', tp: 16 })
  })
})
