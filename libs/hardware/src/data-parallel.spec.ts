import { describe, expect, test } from 'vitest'
import { engineMemory } from './engine-memory.js'
import { knownGpu } from './gpu.js'
import { hostPresets } from './host-preset.js'
import { knownModel } from './model.js'
import { kvBytesPerTokenPerRank, weightBytesPerRank } from './model-size.js'
import { createStepCost, type StepCostOptions } from './step-cost.js'
import { combineShapes, decodeShape, emptyShape, prefillShape } from './step-shape.js'

const model = knownModel('Qwen3-30B-A3B')
const expert = { expertSplit: 'expert', dataParallel: 2 } as const

function cost(options: Partial<StepCostOptions> = {}) {
  return createStepCost({ gpu: knownGpu('RTX-PRO-6000'), model, tp: 1, host: hostPresets.none, ...options })
}

describe('groups that share experts', () => {
  const decode = decodeShape({ sequences: 64, contextTokens: 1000 })

  test('hold half of the experts each and everything else whole, whichever way experts are split', () => {
    const whole = weightBytesPerRank(model, 1)
    const shared = weightBytesPerRank(model, 1, expert)
    // 128 experts of three matrices of 2048 x 768 in each of 48 layers, 16 bit.
    expect(whole - shared).toBe((48 * 128 * 3 * 2048 * 768 * 2) / 2)
    expect(weightBytesPerRank(model, 1, { dataParallel: 2 })).toBe(shared)
    expect(kvBytesPerTokenPerRank(model, 1)).toBe(98_304)
  })

  test('have room for more KV than an engine by itself', () => {
    const fit = (sharing: Partial<StepCostOptions>) => {
      const memory = engineMemory({
        gpu: knownGpu('RTX-PRO-6000'),
        model,
        tp: 1,
        blockSize: 16,
        stepTokenLimit: 2048,
        sequenceLimit: 128,
        ...sharing,
      })
      return memory.kind === 'fits' ? memory.blocks : 0
    }
    expect(fit(expert)).toBeGreaterThan(fit({}) + 15_000)
  })

  test('take as many tokens in the others as in this one unless told', () => {
    const step = cost(expert)
    expect(step.stepUs(decode)).toBe(step.stepUs(decode, 128))
    expect(step.stepUs(emptyShape)).toBe(0)
  })

  test('take longer the more tokens the others have, and never less', () => {
    const step = cost(expert)
    const times = [64, 65, 128, 512, 2048, 8192].map((tokens) => step.stepUs(decode, tokens))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[5]).toBeGreaterThan(1.5 * times[0])
  })

  test('compute half of the experts, read half of them, and pay for the way there and back', () => {
    const alone = cost().breakdown(decode)
    const shared = cost(expert).breakdown(decode)
    expect(shared.layersUs).toBeLessThan(0.65 * alone.layersUs)
    expect(shared.attentionUs).toBe(alone.attentionUs)
    expect(alone.communicationUs).toBe(0)
    // 2 x 48 times 20 us and half of 128 tokens' states at 16 GB/s.
    expect(shared.communicationUs).toBeCloseTo(96 * (20 + (64 * 2048 * 2) / 16e3), -3)
  })

  test('add their parts up to the whole', () => {
    const shape = combineShapes(decode, prefillShape({ tokens: 700 }))
    const { layersUs, attentionUs, communicationUs, headUs, hostUs, totalUs } = cost(expert).breakdown(shape)
    const parts = layersUs + attentionUs + communicationUs + headUs + hostUs
    expect(Math.abs(totalUs - parts) / totalUs).toBeLessThan(0.001)
  })

  test('decode 64 sequences each on two RTX PRO 6000 in the 36 ms that vLLM took', () => {
    // llmservingsim_vllm_requests, Qwen3-30B-A3B: tokens of the requests that ran while 128 did and no prompt was left.
    expect(cost(expert).stepUs(decodeShape({ sequences: 64, contextTokens: 1300 })) / 36_000).toBeCloseTo(
      1,
      1,
    )
  })

  test('change nothing for a dense model, but that they agree on each step', () => {
    const dense = { model: knownModel('Llama-3.1-8B') }
    expect(cost({ ...dense, dataParallel: 2 }).stepUs(decode) - cost(dense).stepUs(decode)).toBe(400)
  })
})
