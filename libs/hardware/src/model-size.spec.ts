import { describe, expect, test } from 'vitest'
import { knownModel, withDtypes } from './model.js'
import { models } from './model-catalogue.js'
import {
  activeParameterCount,
  attentionFlopsPerPair,
  flopsPerToken,
  headFlopsPerToken,
  kvBytesPerToken,
  kvBytesPerTokenPerRank,
  layerFlopsPerToken,
  parameterCount,
  weightBytes,
  weightBytesPerRank,
} from './model-size.js'
import { splitRefusal } from './tensor-parallel.js'
import { tokenCost } from './token-cost.js'

/** Billions of parameters as the model cards publish them, without multi-token-prediction layers. */
const publishedBillions = new Map([
  ['Llama-3-8B', 8.03],
  ['Llama-3.1-8B', 8.03],
  ['Llama-3-70B', 70.6],
  ['Llama-3.1-70B', 70.6],
  ['Llama-3.1-405B', 405.9],
  ['Llama-2-70B', 68.98],
  ['DeepSeek-R1-Distill-Llama-70B', 70.6],
  ['Llama-2-7B', 6.74],
  ['Llama-2-13B', 13.02],
  ['CodeLlama-34B', 33.74],
  ['Yi-34B', 34.39],
  // With the part that sees.
  ['Llama-4-Scout', 108.6],
  ['Qwen2.5-7B', 7.62],
  ['Qwen2.5-14B', 14.77],
  ['Qwen2.5-32B', 32.76],
  ['Qwen2.5-72B', 72.71],
  ['Qwen3-8B', 8.2],
  ['Qwen3-14B', 14.8],
  ['Qwen3-32B', 32.8],
  ['Qwen3-30B-A3B', 30.5],
  ['Qwen3-235B-A22B', 235],
  ['DeepSeek-R1', 671],
  ['DeepSeek-R1-Distill-Qwen-7B', 7.62],
  ['DeepSeek-R1-Distill-Qwen-14B', 14.8],
  ['DeepSeek-R1-Distill-Qwen-32B', 32.8],
  ['Mistral-7B', 7.25],
  ['Mistral-7B-v0.1', 7.24],
  ['Mixtral-8x7B', 46.7],
  ['Mixtral-8x22B', 140.6],
  ['Mistral-Nemo-12B', 12.25],
  ['GLM-4.5', 355],
  ['GLM-4.6', 355],
  ['GLM-4.7', 355],
  ['GLM-4.5-Air', 106],
  ['GLM-4-9B', 9.4],
  ['GLM-4-32B', 32.57],
])

describe('parameterCount', () => {
  test.each(models.map((model) => [model.name, model] as const))(
    'of %s is the published one within 1 %%',
    (name, model) => {
      const published = publishedBillions.get(name)
      expect(published, `no published count for ${name}`).toBeDefined()
      expect(Math.abs(parameterCount(model) / 1e9 / (published ?? 0) - 1)).toBeLessThan(0.01)
    },
  )

  test('is all active in a dense model', () => {
    const model = knownModel('Qwen3-32B')
    expect(activeParameterCount(model)).toBe(parameterCount(model))
  })
})

describe('activeParameterCount', () => {
  test.each([
    ['Mixtral-8x7B', 12.9],
    ['Qwen3-30B-A3B', 3.3],
    ['Qwen3-235B-A22B', 22],
    ['DeepSeek-R1', 37],
  ])('of %s is the published %d billion within 2 %%', (name, billions) => {
    expect(Math.abs(activeParameterCount(knownModel(name)) / 1e9 / billions - 1)).toBeLessThan(0.02)
  })

  test.each([
    ['GLM-4.5', 32],
    ['GLM-4.5-Air', 12],
  ])('of %s, which is published without embeddings, is %d billion within 2 %%', (name, billions) => {
    const model = knownModel(name)
    const embeddings = 2 * model.vocabularySize * model.hiddenSize
    expect(Math.abs((activeParameterCount(model) - embeddings) / 1e9 / billions - 1)).toBeLessThan(0.02)
  })
})

describe('kvBytesPerToken', () => {
  test.each([
    ['Llama-3-8B', 131_072],
    ['Llama-3-70B', 327_680],
    // 61 layers x (512 + 64) x 2 bytes.
    ['DeepSeek-R1', 70_272],
  ])('of %s is %d', (name, bytes) => {
    expect(kvBytesPerToken(knownModel(name))).toBe(bytes)
  })

  test('halves with 8-bit KV', () => {
    const model = knownModel('Llama-3-8B')
    expect(kvBytesPerToken(withDtypes(model, { kv: 'fp8' }))).toBe(65_536)
  })

  test('divides heads over ranks and copies them when there are more ranks than heads', () => {
    const model = knownModel('Qwen3-30B-A3B')
    const whole = kvBytesPerToken(model)
    expect([1, 2, 4, 8].map((tp) => kvBytesPerTokenPerRank(model, tp) / whole)).toEqual([1, 0.5, 0.25, 0.25])
  })

  test('copies a latent on every rank', () => {
    const model = knownModel('DeepSeek-R1')
    expect(kvBytesPerTokenPerRank(model, 8)).toBe(kvBytesPerToken(model))
  })
})

describe('weightBytesPerRank', () => {
  test.each(models.map((model) => [model.name, model] as const))(
    'of %s adds up to the model and its copies',
    (_, model) => {
      for (const tp of [1, 2, 4, 8]) {
        if (splitRefusal(model, tp) !== undefined) continue
        const together = tp * weightBytesPerRank(model, tp)
        expect(together).toBeGreaterThanOrEqual(weightBytes(model))
        // Norms, routers, latent compressions and copied key-value heads.
        expect(together).toBeLessThan(1.12 * weightBytes(model))
      }
    },
  )

  test('is one byte a weight for DeepSeek-R1 but for what stays 16 bit', () => {
    const model = knownModel('DeepSeek-R1')
    expect(weightBytes(model) / parameterCount(model)).toBeCloseTo(1, 2)
    expect(weightBytes(withDtypes(model, { weight: 'bf16' }))).toBe(2 * parameterCount(model))
  })
})

describe('FLOPs', () => {
  test('of one token are two per active weight that multiplies, which the embedding table does not', () => {
    for (const model of models) {
      const multiplying = activeParameterCount(model) - model.vocabularySize * model.hiddenSize
      expect(Math.abs(flopsPerToken(model) / (2 * multiplying) - 1)).toBeLessThan(0.001)
    }
  })

  test('split into layers and vocabulary', () => {
    const model = knownModel('Llama-3-8B')
    expect(headFlopsPerToken(model)).toBe(2 * 128_256 * 4096)
    expect(layerFlopsPerToken(model) + headFlopsPerToken(model)).toBe(flopsPerToken(model))
  })

  test('of attention are four per head dimension and pair', () => {
    expect(attentionFlopsPerPair(knownModel('Llama-3-8B'))).toEqual({
      prefill: 32 * 32 * 4 * 128,
      decode: 32 * 32 * 4 * 128,
    })
    const latent = attentionFlopsPerPair(knownModel('DeepSeek-R1'))
    expect(latent).toEqual({ prefill: 61 * 128 * 2 * 320, decode: 61 * 128 * 2 * 1088 })
  })
})

describe('splitRefusal', () => {
  test('refuses ranks that do not divide the heads', () => {
    const model = knownModel('DeepSeek-R1-Distill-Qwen-7B')
    expect(splitRefusal(model, 4)).toBeUndefined()
    expect(splitRefusal(model, 8)).toEqual({
      kind: 'refused',
      reason: 'heads_not_divisible',
      model: model.name,
      tp: 8,
      queryHeads: 28,
    })
  })

  test('refuses ranks among which key-value heads come out uneven', () => {
    const model = knownModel('GLM-4.5')
    expect(splitRefusal(model, 3)).toMatchObject({ queryHeads: 96, kvHeads: 8 })
  })

  test('refuses what is not a count', () => {
    for (const tp of [0, -1, 1.5, Number.NaN])
      expect(splitRefusal(knownModel('Qwen3-8B'), tp)?.kind).toBe('refused')
  })
})

describe('tokenCost', () => {
  test('makes a 70B token about nine times an 8B token', () => {
    expect(tokenCost(knownModel('Llama-3-70B'))).toBeGreaterThan(8.5)
    expect(tokenCost(knownModel('Llama-3-70B'))).toBeLessThan(9.5)
  })

  test('counts active experts only', () => {
    expect(tokenCost(knownModel('Qwen3-30B-A3B'))).toBeLessThan(0.5)
  })

  test('is one for the reference itself', () => {
    const model = knownModel('Qwen3-32B')
    expect(tokenCost(model, model)).toBe(1)
    expect(tokenCost(knownModel('Llama-3-8B'))).toBe(1)
  })
})
