import { describe, expect, test } from 'vitest'
import { profiledGpus, profiledKernels } from './cost-source.js'
import { knownGpu } from './gpu.js'
import { hostPresets } from './host-preset.js'
import { knownModel } from './model.js'
import { createStepCost, type StepCostOptions } from './step-cost.js'
import { decodeShape, prefillShape } from './step-shape.js'

const of = (gpu: string, model: string, tp: number, options: Partial<StepCostOptions> = {}) =>
  createStepCost({ gpu: knownGpu(gpu), model: knownModel(model), tp, host: hostPresets.none, ...options })

describe('what a step cost model knows its times from', () => {
  test('a profile of the GPU, of the nearest one, or a roofline', () => {
    expect(of('H100', 'Llama-3.1-8B', 1).source).toEqual({ kind: 'profile', gpu: 'H100' })
    expect(of('H200', 'Llama-3.1-8B', 1).source).toEqual({ kind: 'nearest_profile', gpu: 'H100' })
    expect(of('L40S', 'Llama-3.1-8B', 1).source).toEqual({ kind: 'nearest_profile', gpu: 'A100-80GB' })
    expect(of('H100', 'Llama-3.1-8B', 1, { basis: 'roofline' }).source).toEqual({ kind: 'roofline' })
    expect(of('H100', 'Llama-3.1-8B', 1, { host: hostPresets['eager-2023'] }).source).toEqual({
      kind: 'roofline',
    })
  })

  test('a profile and its roofline agree within a fifth where the roofline has the right form', () => {
    for (const shape of [
      decodeShape({ sequences: 32, contextTokens: 1000 }),
      prefillShape({ tokens: 2048 }),
    ]) {
      const ratio =
        of('H100', 'Llama-3.1-70B', 4).stepUs(shape) /
        of('H100', 'Llama-3.1-70B', 4, { basis: 'roofline' }).stepUs(shape)
      expect(Math.abs(ratio - 1)).toBeLessThan(0.2)
    }
  })

  test('measured steps of an engine replace its roofline, where they are measured', () => {
    const shape = prefillShape({ tokens: 2048 })
    const host = hostPresets['eager-2023']
    const measured = of('H100', 'Llama-2-70B', 8, { host }).stepUs(shape)
    const plain = of('H100', 'Llama-2-70B', 8, { host, stepProfile: 'none' }).stepUs(shape)
    // 136.8 ms in splitwise_perf_model.
    expect(measured / 136_800).toBeCloseTo(1, 1)
    expect(plain / 136_800).toBeGreaterThan(1.2)
  })

  test('profiles are of GPUs in the catalogue and say where they come from', () => {
    expect(profiledGpus).toEqual(['H100', 'A100-80GB', 'RTX-4090', 'RTX-PRO-6000'])
    for (const gpu of profiledGpus) {
      const profile = profiledKernels(gpu)
      expect(knownGpu(gpu).name).toBe(gpu)
      expect(profile.source).toMatch(/aiconfigurator|LLMServingSim/)
      expect(profile.fittedOn).toMatch(/^\d{4}-\d\d-\d\d$/)
      const fits = [
        ...profile.products,
        ...profile.decodeAttention,
        ...profile.prefillAttention,
        ...profile.allReduce,
        profile.experts,
      ]
      for (const { fit } of fits) expect(fit.error).toBeLessThan(0.1)
    }
    expect(() => profiledKernels('B200')).toThrow('no profile of B200; there are H100, A100-80GB')
  })
})

describe('experts', () => {
  const decode = decodeShape({ sequences: 16, contextTokens: 500 })

  test('a skewed choice touches fewer experts with few tokens, and a layer nobody measured takes its neighbours', () => {
    for (const model of ['Qwen3-30B-A3B', 'DeepSeek-R1']) {
      const tp = model === 'DeepSeek-R1' ? 8 : 1
      const even = of('H200', model, tp, { experts: { skew: 0 } }).stepUs(decode)
      const skewed = of('H200', model, tp, { experts: { skew: 1 } }).stepUs(decode)
      expect(skewed, model).toBeLessThan(even)
    }
  })

  test('8-bit experts scaled by tensor take longer than those scaled by block', () => {
    const block = of('H100', 'Qwen3-235B-A22B-FP8', 8).stepUs(decode)
    const tensor = of('H100', 'Qwen3-235B-A22B-FP8', 8, { experts: { fp8: 'per_tensor' } }).stepUs(decode)
    expect(tensor).toBeGreaterThan(1.3 * block)
  })

  test('whole experts on each rank take about what slices of all do', () => {
    const sliced = of('H100', 'Qwen3-235B-A22B-FP8', 8).stepUs(decode)
    const whole = of('H100', 'Qwen3-235B-A22B-FP8', 8, { expertSplit: 'expert' }).stepUs(decode)
    expect(whole / sliced).toBeGreaterThan(0.5)
    expect(whole / sliced).toBeLessThan(2)
  })
})
