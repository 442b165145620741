import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import {
  meanInterval,
  pairedDifferenceInterval,
  pairedRatioInterval,
  unpairedDifferenceInterval,
} from './bootstrap.js'
import { normalCdf, studentT975 } from './distributions.js'

const TRIALS = 300

interface Population {
  readonly name: string
  readonly mean: number
  readonly draw: (rng: SeededRng) => number
}

const populations: readonly Population[] = [
  { name: 'normal', mean: 10, draw: (rng) => 10 + 3 * rng.normal() },
  { name: 'uniform', mean: 0.5, draw: (rng) => rng.uniform() },
  { name: 'exponential', mean: 1, draw: (rng) => rng.exponential() },
  { name: 'two-valued', mean: 0.5, draw: (rng) => rng.int(2) },
]

/** Share of the trials whose interval holds the true mean. */
function coverage({ mean, draw, name }: Population, count: number): number {
  let held = 0
  for (let seed = 0; seed < TRIALS; seed++) {
    const rng = new SeededRng(seed, name)
    const interval = meanInterval(Array.from({ length: count }, () => draw(rng)))
    if (interval !== undefined && interval.low <= mean && mean <= interval.high) held++
  }
  return held / TRIALS
}

describe('meanInterval', () => {
  // 300 trials know a share of 0.95 to within 0.025, twice its standard error.
  for (const population of populations) {
    for (const [count, atLeast] of [
      [30, 0.9],
      [10, 0.86],
      [5, 0.8],
    ] as const) {
      it(`holds the mean of ${count} ${population.name} values at least ${atLeast} of the time`, () => {
        const share = coverage(population, count)
        console.info(`coverage of ${count} ${population.name}: ${share.toFixed(3)}`)
        expect(share).toBeGreaterThanOrEqual(atLeast)
      })
    }
  }

  it('narrows as values come, and is none below five', () => {
    const rng = new SeededRng(3, 'narrows')
    const values = Array.from({ length: 80 }, () => rng.normal())
    const width = (count: number) => {
      const interval = meanInterval(values.slice(0, count))
      return interval === undefined ? Infinity : interval.high - interval.low
    }
    expect(width(4)).toBe(Infinity)
    expect(width(5)).toBeLessThan(Infinity)
    expect(width(80)).toBeLessThan(width(20))
    expect(width(20)).toBeLessThan(width(5))
  })

  it('goes by the values and not by their order', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = new SeededRng(seed, 'order')
      const values = Array.from({ length: 12 }, () => rng.exponential())
      expect(meanInterval(shuffled(values, rng)), `seed ${seed}`).toEqual(meanInterval(values))
    }
  })
})

describe('pairing', () => {
  it('narrows the interval where both sides share what varies, and finds the difference', () => {
    for (let seed = 0; seed < 20; seed++) {
      const rng = new SeededRng(seed, 'pairs')
      const pairs = Array.from({ length: 10 }, () => {
        const shared = 100 + 20 * rng.normal()
        return { subject: shared + 5 + rng.normal(), baseline: shared + rng.normal() }
      })
      const paired = pairedDifferenceInterval(pairs)
      const apart = unpairedDifferenceInterval(
        pairs.map(({ subject }) => subject),
        pairs.map(({ baseline }) => baseline),
      )
      if (paired === undefined || apart === undefined) throw new Error(`seed ${seed}: no interval`)
      expect(paired.high - paired.low, `seed ${seed}`).toBeLessThan((apart.high - apart.low) / 3)
      expect(paired.low, `seed ${seed}`).toBeGreaterThan(0)
    }
  })

  it('gives ratios of means that do not depend on the order of the pairs, and none over a zero', () => {
    const rng = new SeededRng(5, 'ratios')
    const pairs = Array.from({ length: 9 }, () => {
      const baseline = 1 + rng.uniform()
      return { subject: 2 * baseline, baseline }
    })
    const interval = pairedRatioInterval(pairs)
    expect(interval?.low).toBeCloseTo(2, 12)
    expect(interval?.high).toBeCloseTo(2, 12)
    expect(pairedRatioInterval(shuffled(pairs, rng))).toEqual(interval)
    expect(pairedRatioInterval([...pairs, { subject: 1, baseline: 0 }])).toBeUndefined()
  })
})

describe('distributions', () => {
  it('agree with published tables', () => {
    expect(normalCdf(-1.959964)).toBeCloseTo(0.025, 6)
    expect(normalCdf(0)).toBeCloseTo(0.5, 6)
    // 97.5 % quantiles of Student's t, NIST/SEMATECH e-Handbook 1.3.6.7.2.
    for (const [degrees, quantile] of [
      [1, 12.706],
      [4, 2.776],
      [5, 2.571],
      [10, 2.228],
      [29, 2.045],
    ])
      expect(studentT975(degrees), `${degrees} degrees`).toBeCloseTo(quantile, 2)
  })
})

function shuffled<T>(values: readonly T[], rng: SeededRng): T[] {
  const copy = [...values]
  for (let i = copy.length - 1; i > 0; i--) {
    const j = rng.int(i + 1)
    ;[copy[i], copy[j]] = [copy[j], copy[i]]
  }
  return copy
}
