import { describe, expect, it } from 'vitest'
import { fixedStepCost } from './fixed-step-cost.js'
import { decodeShape, prefillShape } from './step-shape.js'

describe('a fixed step time', () => {
  const cost = fixedStepCost({ source: { kind: 'roofline' } }, 10_000)

  it('is the same for whatever a step computes, and nothing for an empty step', () => {
    const shapes = [prefillShape({ tokens: 1 }), prefillShape({ tokens: 8_192 }), prefillShape({ tokens: 0 })]
    expect(shapes.map((shape) => cost.stepUs(shape))).toEqual([10_000, 10_000, 0])
  })

  it('gives as many tokens a second as a step has', () => {
    expect(cost.tokensPerSecond(decodeShape({ sequences: 32, contextTokens: 100 }))).toBe(3_200)
  })
})
