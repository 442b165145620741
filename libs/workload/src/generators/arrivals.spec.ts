import { MICROS_PER_SECOND, type Micros } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { fitArrivals } from '../fitting/fit.js'
import { type ArrivalSpec, createArrivals, repetitionUs } from './arrivals.js'

const SEEDS = [1, 2, 3] as const

function take(spec: ArrivalSpec, seed: number, count: number, name = 'test'): readonly Micros[] {
  const process = createArrivals(spec, seed, name)
  const arrivals: Micros[] = []
  while (arrivals.length < count) {
    const arrivalUs = process.next()
    if (arrivalUs === undefined) break
    arrivals.push(arrivalUs)
  }
  return arrivals
}

function takeUntil(spec: ArrivalSpec, seed: number, endS: number): readonly Micros[] {
  const process = createArrivals(spec, seed, 'test')
  const arrivals: Micros[] = []
  for (let us = process.next(); us !== undefined && us < endS * MICROS_PER_SECOND; us = process.next())
    arrivals.push(us)
  return arrivals
}

/** Arrivals per second between two times. */
function rateBetween(arrivals: readonly Micros[], fromS: number, toS: number): number {
  const inside = arrivals.filter((us) => us >= fromS * MICROS_PER_SECOND && us < toS * MICROS_PER_SECOND)
  return inside.length / (toS - fromS)
}

function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(
    Math.abs(actual / expected - 1),
    `${actual} should be within ${tolerance} of ${expected}`,
  ).toBeLessThan(tolerance)
}

const EVERY_KIND: readonly ArrivalSpec[] = [
  { kind: 'constant', ratePerS: 7 },
  { kind: 'poisson', ratePerS: 7 },
  { kind: 'gamma', ratePerS: 7, cv: 3 },
  { kind: 'gamma', ratePerS: 7, cv: 13.15 },
  { kind: 'weibull', ratePerS: 7, cv: 2 },
  {
    kind: 'modulated',
    states: [
      { ratePerS: 20, meanStayS: 2 },
      { ratePerS: 0, meanStayS: 3 },
    ],
  },
  { kind: 'flash_crowd', baseRatePerS: 2, peakRatePerS: 40, startS: 20, holdS: 5, decayS: 10 },
  { kind: 'diurnal', meanRatePerS: 5, amplitude: 1, periodS: 100 },
  {
    kind: 'curve',
    points: [
      { atS: 5, ratePerS: 0 },
      { atS: 20, ratePerS: 10 },
    ],
    periodS: 30,
  },
  { kind: 'replay', arrivalsUs: [0, 5, 5, 90], speed: 2, repeat: true },
]

describe.each(EVERY_KIND)('arrivals of $kind', (spec) => {
  it('come in order, in whole microseconds, the same for the same seed', () => {
    const arrivals = take(spec, 1, 3_000)
    expect(arrivals).toHaveLength(3_000)
    expect(arrivals.every((us, i) => Number.isSafeInteger(us) && us >= (i === 0 ? 0 : arrivals[i - 1]))).toBe(
      true,
    )
    expect(take(spec, 1, 3_000)).toEqual(arrivals)
  })

  it('differ for another seed and for another name, where chance plays a part', () => {
    if (spec.kind === 'constant' || spec.kind === 'replay') return
    expect(take(spec, 2, 100)).not.toEqual(take(spec, 1, 100))
    expect(take(spec, 1, 100, 'other')).not.toEqual(take(spec, 1, 100))
  })
})

describe.each(SEEDS)('arrivals of seed %d', (seed) => {
  it.each([
    ['poisson', { kind: 'poisson', ratePerS: 40 }, 1, 0.03],
    ['gamma, smoother than Poisson', { kind: 'gamma', ratePerS: 40, cv: 0.5 }, 0.5, 0.03],
    ['gamma in bursts', { kind: 'gamma', ratePerS: 40, cv: 3 }, 3, 0.1],
    ['weibull, smoother than Poisson', { kind: 'weibull', ratePerS: 40, cv: 0.5 }, 0.5, 0.03],
    ['weibull in bursts', { kind: 'weibull', ratePerS: 40, cv: 2.5 }, 2.5, 0.12],
  ] as const)('have the rate and the coefficient of variation asked for: %s', (_, spec, cv, tolerance) => {
    const fit = fitArrivals(take(spec, seed, 60_000))
    expectNear(fit.ratePerS, 40, tolerance)
    expectNear(fit.cv, cv, tolerance)
  })

  it('follow a flash crowd up at once and down exponentially', () => {
    const spec: ArrivalSpec = {
      kind: 'flash_crowd',
      baseRatePerS: 10,
      peakRatePerS: 510,
      startS: 100,
      holdS: 20,
      decayS: 10,
    }
    const arrivals = takeUntil(spec, seed, 400)
    expectNear(rateBetween(arrivals, 0, 100), 10, 0.15)
    expectNear(rateBetween(arrivals, 100, 120), 510, 0.05)
    // Mean of 10 + 500·exp(-x/10) over the first 10 s.
    expectNear(rateBetween(arrivals, 120, 130), 10 + 500 * (1 - Math.exp(-1)), 0.08)
    expectNear(rateBetween(arrivals, 220, 400), 10, 0.15)
  })

  it('follow a day, peaking where it says', () => {
    const spec: ArrivalSpec = { kind: 'diurnal', meanRatePerS: 50, amplitude: 0.8, periodS: 400, peakS: 100 }
    const arrivals = takeUntil(spec, seed, 4_000)
    expectNear(rateBetween(arrivals, 0, 4_000), 50, 0.02)
    const within = (fromS: number) =>
      Array.from({ length: 10 }, (_, day) => rateBetween(arrivals, 400 * day + fromS, 400 * day + fromS + 20))
    const mean = (rates: readonly number[]) => rates.reduce((sum, rate) => sum + rate, 0) / rates.length
    expectNear(mean(within(90)), 90, 0.05)
    expectNear(mean(within(290)), 10, 0.12)
  })

  it('follow a given curve, again and again', () => {
    const points = [
      { atS: 0, ratePerS: 0 },
      { atS: 50, ratePerS: 100 },
      { atS: 50, ratePerS: 20 },
      { atS: 90, ratePerS: 20 },
    ]
    const arrivals = takeUntil({ kind: 'curve', points, periodS: 100 }, seed, 2_000)
    const over = (fromS: number, toS: number) =>
      Array.from({ length: 20 }, (_, i) => rateBetween(arrivals, 100 * i + fromS, 100 * i + toS)).reduce(
        (a, b) => a + b,
      ) / 20
    expectNear(over(0, 50), 50, 0.04)
    expectNear(over(40, 50), 90, 0.05)
    expectNear(over(50, 100), 20, 0.05)
  })

  it('spend their time in the states of a modulated rate by their stays and weights', () => {
    const spec: ArrivalSpec = {
      kind: 'modulated',
      states: [
        { ratePerS: 100, meanStayS: 1 },
        { ratePerS: 10, meanStayS: 3, next: [1, 0, 1] },
        { ratePerS: 0, meanStayS: 2, next: [1, 0, 0] },
      ],
    }
    // Visits 2 : 2 : 1, so time 2 : 6 : 2 and mean rate (2·100 + 6·10 + 2·0) / 10.
    expectNear(takeUntil(spec, seed, 20_000).length / 20_000, 26, 0.05)
  })

  it('keep the bursts of their gaps on any curve', () => {
    const flat = take({ kind: 'gamma', ratePerS: 1, cv: 3 }, seed, 20_000)
    const curve: ArrivalSpec = {
      kind: 'curve',
      points: [{ atS: 0, ratePerS: 1 }],
      gaps: { kind: 'gamma', cv: 3 },
    }
    const same = take(curve, seed, 20_000)
    expect(same.every((us, i) => Math.abs(us - flat[i]) <= 1)).toBe(true)
  })
})

describe('arrivals', () => {
  it('at a constant rate come like a metronome', () => {
    expect(take({ kind: 'constant', ratePerS: 4 }, 1, 3)).toEqual([250_000, 500_000, 750_000])
  })

  it('end when the curve falls to nothing for good', () => {
    const points = [
      { atS: 0, ratePerS: 1 },
      { atS: 4, ratePerS: 1 },
      { atS: 4, ratePerS: 0 },
    ]
    const spec: ArrivalSpec = { kind: 'curve', points, gaps: { kind: 'constant' } }
    expect(take(spec, 1, 10)).toEqual([1e6, 2e6, 3e6, 4e6])
  })

  it('on a linear ramp come where its integral says', () => {
    const points = [
      { atS: 0, ratePerS: 0 },
      { atS: 10, ratePerS: 20 },
    ]
    const arrivals = take({ kind: 'curve', points, gaps: { kind: 'constant' } }, 1, 100)
    // The integral of 2t is t².
    expect(arrivals).toEqual(Array.from({ length: 100 }, (_, i) => Math.round(Math.sqrt(i + 1) * 1e6)))
  })

  it('are refused when a modulated rate never leaves its silent states', () => {
    const states = [
      { ratePerS: 0, meanStayS: 1, next: [1, 0] },
      { ratePerS: 1, meanStayS: 1 },
    ]
    const process = createArrivals({ kind: 'modulated', states }, 1, 'test')
    expect(() => process.next()).toThrow('no state with a rate is reached')
  })

  it('replay a trace faster or slower, once or end to end with its mean gap at the seam', () => {
    const arrivalsUs = [10, 20, 50]
    expect(take({ kind: 'replay', arrivalsUs, speed: 2 }, 1, 10)).toEqual([5, 10, 25])
    expect(repetitionUs(arrivalsUs)).toBe(60)
    expect(take({ kind: 'replay', arrivalsUs, speed: 0.5, repeat: true }, 1, 5)).toEqual([
      20, 40, 100, 140, 160,
    ])
  })

  it('keep the draws of the gaps when the rate changes, and the reverse', () => {
    const slow = take({ kind: 'poisson', ratePerS: 1 }, 9, 50)
    const fast = take({ kind: 'poisson', ratePerS: 10 }, 9, 50)
    expect(fast.every((us, i) => Math.abs(us - slow[i] / 10) <= 1)).toBe(true)
  })

  it.each<ArrivalSpec>([
    { kind: 'poisson', ratePerS: 0 },
    { kind: 'poisson', ratePerS: Number.NaN },
    { kind: 'gamma', ratePerS: 1, cv: 0 },
    { kind: 'modulated', states: [{ ratePerS: 0, meanStayS: 1 }] },
    { kind: 'modulated', states: [{ ratePerS: 1, meanStayS: 0 }] },
    { kind: 'modulated', states: [{ ratePerS: 1, meanStayS: 1, next: [1, 1] }] },
    { kind: 'flash_crowd', baseRatePerS: 2, peakRatePerS: 1, startS: 0, holdS: 0, decayS: 0 },
    { kind: 'diurnal', meanRatePerS: 1, amplitude: 1.1 },
    { kind: 'curve', points: [] },
    { kind: 'curve', points: [{ atS: 0, ratePerS: 0 }] },
    {
      kind: 'curve',
      points: [
        { atS: 0, ratePerS: 5 },
        { atS: 0, ratePerS: 0 },
      ],
      periodS: 9,
    },
    {
      kind: 'curve',
      points: [
        { atS: 3, ratePerS: 1 },
        { atS: 2, ratePerS: 1 },
      ],
    },
    { kind: 'curve', points: [{ atS: 3, ratePerS: 1 }], periodS: 3 },
    { kind: 'replay', arrivalsUs: [3, 2], speed: 1 },
    { kind: 'replay', arrivalsUs: [3], speed: 1, repeat: true },
    { kind: 'replay', arrivalsUs: [3], speed: 0 },
  ])('refuse what cannot be: %j', (spec) => {
    expect(() => createArrivals(spec, 1, 'test')).toThrow()
  })
})
