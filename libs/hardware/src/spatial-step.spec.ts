import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { knownGpu } from './gpu.js'
import { knownModel } from './model.js'
import { bandwidthReach, spatialStep, spatialUs } from './spatial-step.js'
import { createStepCost, type StepCostModel } from './step-cost.js'
import { combineShapes, decodeShape, prefillShape } from './step-shape.js'

const SEED = 20261121
const SHAPES = 300

const costs: readonly StepCostModel[] = [
  createStepCost({ gpu: knownGpu('H100'), model: knownModel('Llama-3.1-8B'), tp: 1 }),
  createStepCost({ gpu: knownGpu('H100'), model: knownModel('Llama-3.1-70B'), tp: 4 }),
  createStepCost({ gpu: knownGpu('A100'), model: knownModel('Qwen3-32B'), tp: 2, basis: 'roofline' }),
]

function randomShape(rng: SeededRng) {
  const decode = decodeShape({ sequences: 1 + rng.int(128), contextTokens: 1 + rng.int(4096) })
  const prefill = prefillShape({ tokens: 1 + rng.int(2048), computedTokens: rng.int(4096) })
  return [decode, prefill, combineShapes(decode, prefill)][rng.int(3)]
}

describe('a step on a share of the SMs', () => {
  it(`takes what the plain step takes on all of them, never less on fewer or with less bandwidth (seed ${SEED})`, () => {
    const rng = new SeededRng(SEED, 'spatial-step')
    for (let i = 0; i < SHAPES; i++) {
      const cost = costs[rng.int(costs.length)]
      const shape = randomShape(rng)
      const step = spatialStep(cost.breakdown(shape))
      const whole = spatialUs(step, { multiprocessors: 1, bandwidth: 1 })
      expect(whole / cost.breakdown(shape).totalUs).toBeCloseTo(1, 9)
      const [less, more] = [0.05 + 0.95 * rng.uniform(), 0.05 + 0.95 * rng.uniform()].sort((a, b) => a - b)
      const bandwidth = 0.05 + 0.95 * rng.uniform()
      const onLess = spatialUs(step, { multiprocessors: less, bandwidth })
      const onMore = spatialUs(step, { multiprocessors: more, bandwidth })
      expect(onLess, `shape ${i}`).toBeGreaterThanOrEqual(onMore)
      expect(onMore).toBeGreaterThanOrEqual(whole)
      expect(spatialUs(step, { multiprocessors: more, bandwidth: bandwidth / 2 })).toBeGreaterThanOrEqual(
        onMore,
      )
      // Time-sharing is the worst that can happen: half of everything takes twice as long at most.
      expect(spatialUs(step, { multiprocessors: 0.5, bandwidth: 1 })).toBeLessThanOrEqual(2 * whole)
    }
  })

  it('slows decoding little and prefill in proportion, as MuxServe found', () => {
    const slowdown = (shape: ReturnType<typeof decodeShape>) => {
      const step = spatialStep(costs[0].breakdown(shape))
      const on = (multiprocessors: number) => spatialUs(step, { multiprocessors, bandwidth: 1 })
      return on(0.4) / on(1)
    }
    expect(slowdown(decodeShape({ sequences: 16, contextTokens: 512 }))).toBeLessThan(1.3)
    expect(slowdown(prefillShape({ tokens: 2048, computedTokens: 0 }))).toBeGreaterThan(2)
  })

  it('reaches the bandwidth that was measured on 8, 32 and 64 of 132 SMs within 4 %', () => {
    for (const [multiprocessors, reached] of [
      [8, 0.182],
      [32, 0.594],
      [64, 0.864],
      [132, 1],
    ]) {
      expect(Math.abs(bandwidthReach(multiprocessors / 132) / reached - 1)).toBeLessThan(0.04)
    }
  })

  it('refuses a share of nothing and more than all', () => {
    const step = { fixedUs: 1, arithmeticUs: 1, trafficUs: 1 }
    for (const multiprocessors of [0, 1.5]) {
      expect(() => spatialUs(step, { multiprocessors, bandwidth: 1 })).toThrow('of the SMs')
    }
  })
})
