import { SeededRng } from '@kvasir/kernel'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CountingHistogram } from './counting-histogram.js'
import { empiricalCdf } from './empirical-cdf.js'
import { SampleSet } from './sample-set.js'
import type { Samples } from './samples.js'
import { summarise } from './summarise.js'

/** Nearest rank by its definition: the smallest value with at least p % of the values at or below it. */
function naivePercentile(values: readonly number[], percent: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted.find(
    (value) => sorted.filter((other) => other <= value).length * 100 >= percent * values.length,
  )
}

const latencies = fc.array(fc.nat({ max: 400_000 }), { maxLength: 60 })
const percent = fc.integer({ min: 1, max: 100 })

function filled<S extends Samples & { add(value: number): void }>(set: S, values: readonly number[]): S {
  for (const value of values) set.add(value)
  return set
}

describe('exact samples', () => {
  it('answers every percentile like the definition of the nearest rank', () => {
    fc.assert(
      fc.property(latencies, percent, (values, p) => {
        expect(filled(new SampleSet(), values).percentile(p)).toBe(naivePercentile(values, p))
      }),
    )
  })

  it('keeps answering rightly when values are added after a question', () => {
    const set = filled(new SampleSet(), [30, 10])
    expect(set.percentile(100)).toBe(30)
    set.add(20)
    expect([set.percentile(50), set.max(), set.min(), set.mean()]).toEqual([20, 30, 10, 20])
  })

  it('has no mean, percentile or maximum when it is empty, and says null in a summary', () => {
    const set = new SampleSet()
    expect([set.mean(), set.percentile(99), set.max(), set.min()]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(summarise(set)).toEqual({
      count: 0,
      mean: null,
      p50: null,
      p90: null,
      p95: null,
      p99: null,
      max: null,
    })
  })

  it('refuses a value that is not a number', () => {
    expect(() => new SampleSet().add(Number.NaN)).toThrow('a sample must be finite, not NaN')
  })

  it('holds the same after a merge as if all had been added to one', () => {
    fc.assert(
      fc.property(latencies, latencies, (left, right) => {
        const merged = filled(new SampleSet(), left)
        merged.merge(filled(new SampleSet(), right))
        expect(summarise(merged)).toEqual(summarise(filled(new SampleSet(), [...left, ...right])))
      }),
    )
  })

  it('counts the values at most a limit', () => {
    fc.assert(
      fc.property(latencies, fc.nat({ max: 400_000 }), (values, limit) => {
        const expected = values.filter((value) => value <= limit).length
        expect(filled(new SampleSet(), values).countAtMost(limit)).toBe(expected)
      }),
    )
  })

  it('answers 95 % of 20 with the 19th value, not the 20th', () => {
    expect(
      filled(
        new SampleSet(),
        Array.from({ length: 20 }, (_, i) => i + 1),
      ).percentile(95),
    ).toBe(19)
  })
})

describe('a counting histogram', () => {
  it('answers like the exact set below its bound and within 0.05 % above it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 2 ** 40 }), { minLength: 1, maxLength: 60 }),
        percent,
        (values, p) => {
          const exact = filled(new SampleSet(), values).percentile(p) ?? 0
          const counted = filled(new CountingHistogram(), values)
          const answer = counted.percentile(p) ?? 0
          if (exact < counted.exactBelow) expect(answer).toBe(exact)
          else expect(Math.abs(answer - exact)).toBeLessThanOrEqual(exact * 0.0005)
        },
      ),
    )
  })

  it('keeps count, mean, minimum and maximum exact at any size', () => {
    const values = [0, 1, 131_071, 131_072, 131_073, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1]
    const histogram = filled(new CountingHistogram(), values)
    const exact = filled(new SampleSet(), values)
    expect([histogram.count, histogram.mean(), histogram.min(), histogram.max()]).toEqual([
      9,
      exact.mean(),
      0,
      2 ** 40 + 1,
    ])
    expect(histogram.percentile(100)).toBeLessThanOrEqual(2 ** 40 + 1)
  })

  it('has counted whatever was added before a question, and goes on after it', () => {
    const histogram = new CountingHistogram()
    for (let added = 1; added <= 100; added++) {
      histogram.add(added)
      if (added % 7 === 0) expect([histogram.count, histogram.percentile(100)]).toEqual([added, added])
    }
    expect([histogram.count, histogram.sum, histogram.min(), histogram.max()]).toEqual([100, 5_050, 1, 100])
  })

  it('takes the largest whole number there is', () => {
    const histogram = filled(new CountingHistogram(), [Number.MAX_SAFE_INTEGER])
    expect(histogram.percentile(50)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('adds a value many times at once', () => {
    const histogram = new CountingHistogram()
    histogram.add(20_000, 5_000_000_000)
    histogram.add(40_000, 1)
    expect([histogram.count, histogram.percentile(99), histogram.max()]).toEqual([
      5_000_000_001, 20_000, 40_000,
    ])
  })

  it('refuses what is not a whole number from 0', () => {
    for (const value of [1.5, -1, Number.NaN, Infinity]) {
      expect(() => new CountingHistogram().add(value)).toThrow('whole values from 0')
    }
  })

  it('holds the same after a merge as if all had been added to one', () => {
    fc.assert(
      fc.property(latencies, latencies, (left, right) => {
        const merged = filled(new CountingHistogram(), left)
        merged.merge(filled(new CountingHistogram(), right))
        const whole = filled(new CountingHistogram(), [...left, ...right])
        expect(summarise(merged)).toEqual(summarise(whole))
        expect([...merged.buckets()]).toEqual([...whole.buckets()])
      }),
    )
  })

  it('touches only the pages its values lie in', () => {
    const histogram = new CountingHistogram()
    for (let value = 20_000; value < 20_100; value++) histogram.add(value, 1_000)
    expect(histogram.bytes).toBeLessThanOrEqual(2 * 4_096)
  })
})

describe('an empirical distribution', () => {
  it('starts at the smallest value, ends at the largest, and rises in both members', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 300 }), (values) => {
        const cdf = empiricalCdf(filled(new SampleSet(), values), 50)
        expect(cdf[0].value).toBe(Math.min(...values))
        expect(cdf.at(-1)).toEqual({ value: Math.max(...values), fraction: 1 })
        for (let i = 1; i < cdf.length; i++) {
          expect(cdf[i].value).toBeGreaterThan(cdf[i - 1].value)
          expect(cdf[i].fraction).toBeGreaterThan(cdf[i - 1].fraction)
        }
      }),
    )
  })

  it('never claims a larger share below a value than there is', () => {
    const rng = new SeededRng(7, 'cdf')
    const values = Array.from({ length: 5_000 }, () => Math.floor(rng.exponential() * 1_000))
    const set = filled(new SampleSet(), values)
    for (const point of empiricalCdf(set, 101)) {
      expect(point.fraction).toBeLessThanOrEqual(set.countAtMost(point.value) / set.count)
    }
  })

  it('is empty for no samples', () => {
    expect(empiricalCdf(new SampleSet(), 10)).toEqual([])
  })
})
