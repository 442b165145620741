import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jainIndex, jainOfShares } from './fairness.js'

describe("Jain's index", () => {
  it('is 1 when all have the same and 1/n when one has all', () => {
    expect(jainIndex([3, 3, 3])).toBe(1)
    expect(jainIndex([9, 0, 0, 0])).toBe(0.25)
  })

  it('is 1 for nobody and for nobody with anything', () => {
    expect([jainIndex([]), jainIndex([0, 0])]).toEqual([1, 1])
  })

  it('lies between 1/n and 1 and does not change with scale', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 20 }), (values) => {
        const index = jainIndex(values)
        expect(index).toBeGreaterThanOrEqual(1 / values.length - 1e-12)
        expect(index).toBeLessThanOrEqual(1 + 1e-12)
        expect(jainIndex(values.map((value) => value * 1e150))).toBeCloseTo(index, 9)
      }),
    )
  })

  it('refuses a negative share', () => {
    expect(() => jainIndex([1, -1])).toThrow('not -1')
  })

  it('judges what was served by what was due, so unequal weights can be perfectly fair', () => {
    const shares = [
      { served: 300, ideal: 300 },
      { served: 100, ideal: 100 },
    ]
    expect(jainOfShares(shares)).toBe(1)
  })

  it('leaves out engines without demand, and says nothing about fewer than two', () => {
    const idle = { served: 0, ideal: 0 }
    expect(jainOfShares([{ served: 5, ideal: 10 }, { served: 5, ideal: 10 }, idle])).toBe(1)
    expect(jainOfShares([{ served: 5, ideal: 10 }, idle])).toBeUndefined()
  })
})
