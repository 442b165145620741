import { type StepQuestion, stepAnswerSchema } from '@kvasir/contracts'
import { knownGpu, knownModel } from '@kvasir/hardware'
import { describe, expect, it } from 'vitest'
import { type CapacityQuestion, predictCapacity } from './predict-capacity.js'
import { parseStepQuestion, StepPredictor } from './predict-step.js'
import { decodeGroups, prefillChunks } from './step-groups.js'

const question: StepQuestion = {
  gpu: 'h100',
  model: 'llama-3.1-70b',
  tp: 4,
  host: 'vllm-async',
  basis: 'profile',
  decode: [{ sequences: 64, contextTokens: 1024 }],
  prefill: [],
}

describe('predict step', () => {
  it('answers with parts that add up to the time', () => {
    const predictor = new StepPredictor()
    const chunk = { tokens: 512, computedTokens: 100 }
    for (const prefill of [[], [chunk], [chunk, chunk]]) {
      const answer = predictor.answer({ ...question, prefill })
      expect(stepAnswerSchema.parse(answer)).toEqual(answer)
      const parts = Object.values(answer.parts).reduce((sum, part) => sum + part, 0)
      expect(parts).toBeCloseTo(answer.us, 6)
      expect(answer.tokens).toBe(64 + 512 * prefill.length)
      expect(answer.us).toBeGreaterThan(Math.max(answer.computeUs, answer.memoryUs))
    }
  })

  it('says what knew the times', () => {
    const predictor = new StepPredictor()
    expect(predictor.answer(question)).toMatchObject({ source: 'profile', sourceGpu: 'H100' })
    expect(predictor.answer({ ...question, gpu: 'h200' })).toMatchObject({
      source: 'nearest_profile',
      sourceGpu: 'H100',
    })
    expect(predictor.answer({ ...question, basis: 'roofline' })).toMatchObject({
      source: 'roofline',
      sourceGpu: null,
    })
  })

  it('reads weights in the format that is asked for', () => {
    const predictor = new StepPredictor()
    expect(predictor.answer({ ...question, dtype: 'fp8' }).us).toBeLessThan(
      0.8 * predictor.answer(question).us,
    )
  })

  it('takes a group of sequences as that many alone', () => {
    const predictor = new StepPredictor()
    const apart = {
      ...question,
      decode: [
        { sequences: 16, contextTokens: 1024 },
        { sequences: 48, contextTokens: 1024 },
      ],
    }
    expect(predictor.answer(apart)).toEqual(predictor.answer(question))
  })

  it.each([
    [{ gpu: 'h10' }, 'gpu is "h10"; it must be a GPU of the catalogue, such as H100'],
    [
      { model: 'llama-3.1-71b' },
      'model is "llama-3.1-71b"; it must be a model of the catalogue, such as Llama-3.1-70B',
    ],
    [{ tp: 3 }, 'tp is 3; it must divide the 64 query heads of Llama-3.1-70B'],
    [{ decode: [] }, 'decode and prefill are empty; a step must compute something'],
    [{ decode: [{ sequences: 0, contextTokens: 5 }] }, 'decode[0].sequences is 0; it must be a whole number'],
    [{ dtype: 'fp4' }, 'dtype is "fp4"; it must be one of bf16, fp16, fp8, int8'],
    [{ sequences: 3 }, 'sequences is not a known field'],
  ])('refuses %j with a sentence', (change, sentence) => {
    const parsed = parseStepQuestion({ ...question, ...change })
    expect(parsed.kind === 'refused' ? parsed.problems.join('\n') : '').toContain(sentence)
  })
})

describe('what --decode and --prefill say', () => {
  it('is read, several at once', () => {
    expect(decodeGroups(['64x1024', '1X5'])).toEqual([
      { sequences: 64, contextTokens: 1024 },
      { sequences: 1, contextTokens: 5 },
    ])
    expect(prefillChunks(['512@0', '3@9', '7'])).toEqual([
      { tokens: 512, computedTokens: 0 },
      { tokens: 3, computedTokens: 9 },
      { tokens: 7, computedTokens: 0 },
    ])
  })

  it.each(['', 'x', '0x5', '5x0', '5', '-1x5', '1.5x2', '99999999999x1'])('refuses --decode %j', (text) => {
    expect(() => decodeGroups([text])).toThrow(`--decode is "${text}"; it must be SEQUENCESxCONTEXT`)
  })

  it.each(['', '@', '0@5', '5@', '5@x', '1e3@0'])('refuses --prefill %j', (text) => {
    expect(() => prefillChunks([text])).toThrow(`--prefill is "${text}"; it must be TOKENS@COMPUTED`)
  })
})

describe('predict capacity', () => {
  const fixed = (tokens: number) => ({ kind: 'fixed', tokens }) as const
  const capacity = (change: Partial<CapacityQuestion> = {}) =>
    predictCapacity({
      serving: { gpu: knownGpu('H100'), model: knownModel('Llama-3.1-8B'), tp: 1 },
      host: 'vllm-async',
      stepTokenLimit: 2048,
      sequenceLimit: 32,
      numGpuBlocks: 4000,
      prompt: fixed(500),
      output: fixed(50),
      ratePerS: undefined,
      ...change,
    })

  it('finds a rate at which the queue does not grow, and above which it does', () => {
    const { capacity: found, largestBatch, memory } = capacity()
    expect(memory).toMatchObject({ blocks: 4000, tokens: 64_000 })
    expect(largestBatch).toBe(32)
    const below = capacity({ ratePerS: 0.8 * found.requestsPerS }).atRate
    const above = capacity({ ratePerS: 1.3 * found.requestsPerS }).atRate
    expect(below?.load).toBeCloseTo(0.8, 1)
    expect(below?.ttftMs.mean).toBeLessThan(500)
    expect(above?.ttftMs.mean).toBeGreaterThan(5 * (below?.ttftMs.mean ?? Infinity))
  })

  it('grows with memory and falls with length', () => {
    const rate = (change: Partial<CapacityQuestion>) => capacity(change).capacity.requestsPerS
    expect(rate({ numGpuBlocks: 300 })).toBeLessThan(rate({}))
    expect(rate({ output: fixed(200) })).toBeLessThan(rate({}))
  })

  it('refuses what does not fit, with the numbers', () => {
    const serving = { gpu: knownGpu('H100'), model: knownModel('Llama-3.1-70B'), tp: 1 }
    expect(() => capacity({ serving, numGpuBlocks: undefined })).toThrow(
      /it needs 14\d\.\d GB on each GPU, of 76\.5 GB usable/,
    )
  })
})
