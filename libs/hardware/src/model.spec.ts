import { describe, expect, test } from 'vitest'
import { knownModel, modelByName, withDtypes } from './model.js'
import { models } from './model-catalogue.js'

describe('modelByName', () => {
  test.each([
    ['llama-3-8b', 'Llama-3-8B'],
    ['meta-llama/Meta-Llama-3-8B-Instruct', 'Llama-3-8B'],
    ['meta-llama/Llama-3.3-70B-Instruct', 'Llama-3.1-70B'],
    ['Qwen/Qwen3-30B-A3B', 'Qwen3-30B-A3B'],
    ['deepseek-ai/DeepSeek-R1', 'DeepSeek-R1'],
    ['deepseek-ai/DeepSeek-R1-Distill-Qwen-32B', 'DeepSeek-R1-Distill-Qwen-32B'],
    ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'Mixtral-8x7B'],
    ['zai-org/GLM-4.5-Air', 'GLM-4.5-Air'],
    ['meta-llama/Llama-2-70b-chat-hf', 'Llama-2-70B'],
    ['Qwen/Qwen2.5-7B-Instruct', 'Qwen2.5-7B'],
    ['mistralai/Mistral-Nemo-Instruct-2407', 'Mistral-Nemo-12B'],
    ['meta-llama/Llama-4-Scout-17B-16E-Instruct', 'Llama-4-Scout'],
  ])('finds %s as %s', (spelling, name) => {
    expect(knownModel(spelling).name).toBe(name)
  })

  test('reads -FP8 as the same model with 8-bit weights', () => {
    expect(knownModel('Qwen3-32B-FP8')).toEqual({
      ...knownModel('Qwen3-32B'),
      name: 'Qwen3-32B-FP8',
      weightDtype: 'fp8',
    })
    expect(knownModel('meta-llama/Llama-3.1-70B-Instruct-FP8').weightDtype).toBe('fp8')
    expect(knownModel('DeepSeek-R1-FP8').name).toBe('DeepSeek-R1')
  })

  test.each(['llama-3-9b', 'llama-3-9b-fp8', 'llama-3-9b-instruct', ''])(
    'refuses %j and names near ones',
    (name) => {
      const lookup = modelByName(name)
      expect(lookup).toMatchObject({ kind: 'unknown_model', name })
      if (lookup.kind === 'unknown_model') expect(lookup.known).toHaveLength(models.length)
      expect(() => knownModel(name)).toThrow(`no model ${name}`)
    },
  )

  test('puts the obvious correction first', () => {
    const lookup = modelByName('lama-3-8b')
    expect(lookup.kind === 'unknown_model' && lookup.near[0]).toBe('Llama-3-8B')
  })
})

test('withDtypes changes the formats it is given and no other', () => {
  const model = knownModel('Llama-3-8B')
  expect(withDtypes(model, { kv: 'fp8' })).toEqual({ ...model, kvDtype: 'fp8' })
})
