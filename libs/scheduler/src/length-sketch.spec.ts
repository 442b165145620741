import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { LengthSketch } from './length-sketch.js'

const quantiles = [0.01, 0.1, 0.5, 0.9, 0.99, 1]

/** The smallest length above `above` that at least the quantile of those above do not exceed. */
function exactQuantile(lengths: readonly number[], above: number, quantile: number): number | undefined {
  const longer = lengths.filter((length) => length > above).sort((a, b) => a - b)
  return longer[Math.max(0, Math.ceil(quantile * longer.length) - 1)]
}

describe('LengthSketch', () => {
  test.each([1, 2, 3, 4])('is never below the exact quantile and at most 1/16 above it (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'length-sketch')
    const sketch = new LengthSketch(10_000)
    // Over nine orders of magnitude, so that every bucket is met.
    const lengths = Array.from({ length: 5_000 }, () => Math.floor(2 ** (31 * rng.uniform())))
    for (const length of lengths) sketch.add(length)
    for (const quantile of quantiles) {
      const exact = exactQuantile(lengths, 0, quantile) as number
      const found = sketch.quantileAbove(0, quantile) as number
      expect(found).toBeGreaterThanOrEqual(exact)
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 16))
    }
  })

  test('speaks of the longer ones alone when told that an output is longer', () => {
    const sketch = new LengthSketch(100)
    for (const length of [1, 2, 3, 10, 20, 30]) sketch.add(length)
    expect([0, 3, 10, 29].map((above) => sketch.quantileAbove(above, 0.5))).toEqual([3, 20, 20, 30])
    expect(sketch.quantileAbove(30, 0.5)).toBeUndefined()
    expect(new LengthSketch(100).quantileAbove(0, 0.5)).toBeUndefined()
  })

  test('takes the longest length there is', () => {
    const sketch = new LengthSketch(100)
    sketch.add(2 ** 31 - 1)
    expect(sketch.quantileAbove(2 ** 30, 1)).toBe(2 ** 31 - 1)
  })

  test('forgets: after a few windows of other lengths the old ones hardly count', () => {
    const sketch = new LengthSketch(100)
    for (let i = 0; i < 1_000; i++) sketch.add(5)
    for (let i = 0; i < 400; i++) sketch.add(500)
    expect(sketch.quantileAbove(0, 0.1)).toBe(511)
    expect(sketch.total).toBeLessThan(200)
  })
})
