import { describe, expect, test } from 'vitest'
import { type EngineMemoryFit, engineMemory, type EngineMemoryOptions } from './engine-memory.js'
import { knownGpu } from './gpu.js'
import { knownModel, withDtypes } from './model.js'

const options: EngineMemoryOptions = {
  gpu: knownGpu('H100'),
  tp: 1,
  model: knownModel('Llama-3-8B'),
  blockSize: 16,
  stepTokenLimit: 8192,
  sequenceLimit: 256,
}

function fit(changes: Partial<EngineMemoryOptions>): EngineMemoryFit {
  const memory = engineMemory({ ...options, ...changes })
  if (memory.kind !== 'fits') throw new Error(memory.reason)
  return memory
}

const GIBIBYTE = 2 ** 30

describe('engineMemory', () => {
  test('finds the blocks of the RTX 4090 run within 3 %', () => {
    // llmservingsim_vllm_runs.json: Llama-3.1-8B on vLLM 0.19, 2,588 blocks.
    const gpu = knownGpu('RTX-4090')
    const { blocks } = fit({ gpu, model: knownModel('Llama-3.1-8B'), stepTokenLimit: 2048 })
    expect(Math.abs(blocks / 2588 - 1)).toBeLessThan(0.03)
  })

  test('finds the parts and the rest of an H100 that vLLM reports', () => {
    // vLLM pull request 10511, Llama-3-8B: usable 71.29 GiB, weights 14.96, activations 1.26, left for KV 53.29.
    const memory = fit({})
    expect(memory.usableBytesPerRank / GIBIBYTE).toBeCloseTo(71.29, 1)
    expect(memory.weightBytesPerRank / GIBIBYTE).toBeCloseTo(14.96, 1)
    expect(memory.activationBytesPerRank / GIBIBYTE).toBeCloseTo(1.26, 1)
    const leftBytes = memory.blocks * memory.blockBytesPerRank
    expect(Math.abs(leftBytes / GIBIBYTE / 53.29 - 1)).toBeLessThan(0.03)
  })

  test('takes the number of blocks that the user gives', () => {
    expect(fit({ numGpuBlocks: 1000 })).toMatchObject({ blocks: 1000, tokens: 16_000 })
  })

  test('has twice the blocks where KV is 8 bit, and as many for every rank of a latent model', () => {
    const eight = withDtypes(options.model, { kv: 'fp8' })
    expect(fit({ model: eight }).blocks / fit({}).blocks).toBeCloseTo(2, 3)
    const latent = knownModel('DeepSeek-R1')
    const bytes = [8, 16].map((tp) => fit({ gpu: knownGpu('B200'), model: latent, tp }).blockBytesPerRank)
    expect(bytes[0]).toBe(bytes[1])
  })

  test('leaves less for larger steps and more sequences', () => {
    expect(fit({ stepTokenLimit: 16_384 }).blocks).toBeLessThan(fit({}).blocks)
    expect(fit({ sequenceLimit: 1024 }).blocks).toBeLessThan(fit({}).blocks)
  })

  test('holds the same experts whichever way they are split, but for routed slices that do not divide', () => {
    const model = knownModel('Qwen3-30B-A3B')
    const tensor = fit({ model, tp: 4 }).weightBytesPerRank
    expect(fit({ model, tp: 4, expertSplit: 'expert' }).weightBytesPerRank / tensor).toBeCloseTo(1, 6)
  })

  test('refuses what does not fit, with the numbers, and a split that is not possible', () => {
    expect(engineMemory({ ...options, model: knownModel('Llama-3-70B') })).toMatchObject({
      kind: 'refused',
      reason: 'no_memory_for_kv',
      model: 'Llama-3-70B',
    })
    expect(
      engineMemory({ ...options, model: knownModel('DeepSeek-R1-Distill-Qwen-7B'), tp: 8 }),
    ).toMatchObject({
      reason: 'heads_not_divisible',
    })
  })

  test.each([0, 1.1])('never accepts a memory utilisation of %d', (memoryUtilisation) => {
    expect(() => engineMemory({ ...options, memoryUtilisation })).toThrow('memory utilisation')
  })
})
