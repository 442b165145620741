import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { AttentionCost } from './attention-cost.js'
import { attentionLayer } from './attention-layer.js'
import { kernelsFor } from './cost-source.js'
import { knownGpu } from './gpu.js'
import { hostPresets } from './host-preset.js'
import { knownModel } from './model.js'
import { combineShapes, decodeShape, prefillShape } from './step-shape.js'

const configurations = [
  ['H100', 'Llama-3.1-8B', 1],
  ['H100', 'Llama-3.1-70B', 4],
  ['A100', 'Qwen3-32B', 2],
  ['H200', 'DeepSeek-R1', 8],
] as const

function parts(gpu: string, name: string, tp: number) {
  const model = knownModel(name)
  const { kernels } = kernelsFor({
    gpu: knownGpu(gpu),
    tp,
    host: hostPresets.none,
    basis: 'profile',
    experts: { skew: 1, fp8: 'block' },
  })
  return { model, kernels, layer: attentionLayer(model, tp), cost: new AttentionCost(model, kernels) }
}

describe('AttentionCost', () => {
  for (const [index, [gpu, name, tp]] of configurations.entries()) {
    const seed = 1 + index
    test(`${name} on ${tp} ${gpu}: tables are within 3 % of the kernels in the mean (seed ${seed})`, () => {
      const rng = new SeededRng(seed, 'attention')
      const { model, kernels, layer, cost } = parts(gpu, name, tp)
      const errors: number[] = []
      for (let i = 0; i < 500; i++) {
        const decode = decodeShape({ sequences: 1 + rng.int(256), contextTokens: 1 + rng.int(8000) })
        const chunk = prefillShape({ tokens: 1 + rng.int(4000), computedTokens: rng.int(8000) })
        const decodeUs = kernels.decodeUs(layer, {
          sequences: decode.decodeSequences,
          contextTokens: decode.decodeContextTokens,
        })
        const prefillUs = kernels.prefillUs(layer, {
          tokens: chunk.prefillTokens,
          pairs: chunk.prefillPairs,
          contextTokens: chunk.prefillContextTokens,
        })
        errors.push(Math.abs(cost.decodeUs(decode) / (model.layers * decodeUs) - 1))
        errors.push(Math.abs(cost.prefillUs(chunk) / (model.layers * prefillUs) - 1))
      }
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.03)
    })
  }

  test('a chunk of a few tokens takes what its launch takes, not a share of it', () => {
    const { cost } = parts('H100', 'Llama-3.1-8B', 1)
    const us = (tokens: number) => cost.prefillUs(prefillShape({ tokens }))
    expect(us(1)).toBeGreaterThan(32 * 8)
    expect(us(8) / us(1)).toBeLessThan(1.5)
  })

  test('chunks of one prompt see more the later they are', () => {
    const { cost } = parts('H100', 'Llama-3.1-70B', 4)
    const us = (computedTokens: number) => cost.prefillUs(prefillShape({ tokens: 512, computedTokens }))
    expect(us(8192)).toBeGreaterThan(1.5 * us(0))
  })

  test('two prompts at once take less than one after the other, and more than one', () => {
    const { cost } = parts('H100', 'Llama-3.1-8B', 1)
    const one = prefillShape({ tokens: 700 })
    const both = cost.prefillUs(combineShapes(one, one))
    expect(both).toBeGreaterThan(cost.prefillUs(one))
    expect(both).toBeLessThan(2 * cost.prefillUs(one))
  })
})
