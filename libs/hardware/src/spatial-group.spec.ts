import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { bandwidthLimit, bandwidthUsed, SpatialGroup, type SpatialRun } from './spatial-group.js'
import { type SpatialStep, spatialUs } from './spatial-step.js'

const SEED = 20261121
const alone = { multiprocessors: 1, bandwidth: 1 }

function randomStep(rng: SeededRng): SpatialStep {
  return {
    fixedUs: 1 + rng.int(2_000),
    arithmeticUs: rng.int(20_000),
    trafficUs: rng.int(20_000),
  }
}

/** Time until all of `runs`, begun at once, have ended. */
function togetherUs(runs: readonly SpatialRun[]): number {
  const group = new SpatialGroup()
  let ends: readonly { readonly engine: string; readonly endUs: number }[] = []
  for (const [i, run] of runs.entries()) ends = group.begin(0, `e${i}`, run)
  let now = 0
  while (ends.length > 0) {
    const [first] = ends.toSorted((a, b) => a.endUs - b.endUs)
    now = first.endUs
    ends = group.end(now, first.engine)
  }
  return now
}

describe('SpatialGroup', () => {
  it('runs a step alone on all SMs in the time of the plain step', () => {
    const step = { fixedUs: 300, arithmeticUs: 4_000, trafficUs: 7_000 }
    expect(new SpatialGroup().begin(50, 'a', { step, multiprocessors: 1 })).toEqual([
      { engine: 'a', endUs: 50 + Math.round(spatialUs(step, alone)) },
    ])
  })

  it('slows a step down when another one begins to read, and lets it go on faster when that has ended', () => {
    const step = { fixedUs: 0, arithmeticUs: 0, trafficUs: 10_000 }
    const group = new SpatialGroup()
    const [first] = group.begin(0, 'a', { step, multiprocessors: 0.5 })
    const [slowed, other] = group.begin(1_000, 'b', { step, multiprocessors: 0.5 })
    // Both want all of the bandwidth: each has half of it.
    expect(slowed.endUs).toBeGreaterThan(first.endUs)
    expect(other.endUs).toBeCloseTo(21_000, -2)
    const [resumed] = group.end(2_000, 'b')
    expect(resumed.endUs).toBeLessThan(slowed.endUs)
    expect(resumed.endUs).toBeGreaterThan(first.endUs)
  })

  it(`never lets two halves do more than the whole could in twice the time, nor move more than there is (seed ${SEED})`, () => {
    const rng = new SeededRng(SEED, 'spatial-group')
    for (let i = 0; i < 500; i++) {
      const step = randomStep(rng)
      const halves = [
        { step, multiprocessors: 0.5 },
        { step, multiprocessors: 0.5 },
      ]
      const us = togetherUs(halves)
      // Twice as fast as the whole would be two steps in the time of one; and traffic and arithmetic of both are still to be done.
      expect(us, `step ${i}`).toBeGreaterThanOrEqual(Math.floor(spatialUs(step, alone)))
      expect(us).toBeGreaterThanOrEqual(2 * Math.max(step.arithmeticUs, step.trafficUs) - 1)
    }
  })

  it(`conserves work: kernels of any steps at once need the arithmetic and the traffic of all (seed ${SEED})`, () => {
    const rng = new SeededRng(SEED, 'spatial-work')
    for (let i = 0; i < 500; i++) {
      const count = 1 + rng.int(5)
      const shares = Array.from({ length: count }, () => 0.05 + rng.uniform())
      const sum = shares.reduce((total, share) => total + share, 0)
      const runs = shares.map((share) => ({ step: randomStep(rng), multiprocessors: share / sum }))
      const us = togetherUs(runs)
      const traffic = runs.reduce((total, { step }) => total + step.trafficUs, 0)
      const arithmetic = runs.reduce((total, { step }) => total + step.arithmeticUs, 0)
      expect(us, `runs ${i}`).toBeGreaterThanOrEqual(Math.max(traffic, arithmetic) - count)
      const limit = bandwidthLimit(runs)
      expect(bandwidthUsed(runs, limit)).toBeLessThanOrEqual(1)
      // What is there is used up: a little more for each would be too much.
      if (limit < 1) expect(bandwidthUsed(runs, Math.min(1, limit * 1.001))).toBeGreaterThan(1)
      // Nobody is slower than with its own share of everything.
      const slowest = Math.max(
        ...runs.map(({ step, multiprocessors }) =>
          spatialUs(step, { multiprocessors, bandwidth: Math.min(multiprocessors, 1 / count) }),
        ),
      )
      expect(us).toBeLessThanOrEqual(Math.ceil(slowest) + count)
    }
  })

  it('refuses more SMs than there are, a second step of an engine and the end of none', () => {
    const step = { fixedUs: 0, arithmeticUs: 10, trafficUs: 10 }
    const group = new SpatialGroup()
    group.begin(0, 'a', { step, multiprocessors: 0.6 })
    expect(() => group.begin(0, 'a', { step, multiprocessors: 0.1 })).toThrow('while one runs')
    expect(() => group.begin(0, 'b', { step, multiprocessors: 0.6 })).toThrow('of the SMs')
    expect(() => group.end(0, 'c')).toThrow('does not run')
  })
})
