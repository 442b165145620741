import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { type BisectionShape, nextProbe, probesMax, thresholdOf } from './bisection.js'

/** All that is asked for until nothing is. */
function probed(meets: (position: number) => boolean, shape: BisectionShape) {
  const evidence = new Map<number, boolean>()
  for (let probe = nextProbe(evidence, shape); probe !== undefined; probe = nextProbe(evidence, shape)) {
    if (evidence.has(probe) || probe < 0 || probe >= shape.count) throw new Error(`asked for ${probe}`)
    evidence.set(probe, meets(probe))
  }
  return { evidence, ...thresholdOf(evidence, shape.count) }
}

describe('bisection', () => {
  it('finds the threshold of every monotone function, with as few probes as it says', () => {
    for (let count = 1; count <= 20; count++)
      for (let threshold = 0; threshold <= count; threshold++)
        for (const checks of [0, 1, 3]) {
          const found = probed((position) => position >= threshold, { count, checks })
          expect(found.at, `${count} ${threshold}`).toBe(threshold === count ? undefined : threshold)
          expect(found.disorder).toEqual([])
          expect(found.evidence.size).toBeLessThanOrEqual(probesMax({ count, checks }))
        }
  })

  it('says when what it saw is not in order, and stays above all that failed', () => {
    let seen = 0
    for (let seed = 0; seed < 300; seed++) {
      const rng = new SeededRng(seed, 'disorder')
      const truth = Array.from({ length: 2 + rng.int(12) }, () => rng.uniform() < 0.5)
      const { evidence, at, disorder } = probed((position) => truth[position], {
        count: truth.length,
        checks: 1,
      })
      const pairs = [...evidence].flatMap(([low, meets]) =>
        [...evidence].filter(([high, other]) => meets && !other && high > low),
      )
      expect(disorder.length > 0, `seed ${seed}`).toBe(pairs.length > 0)
      const failing = [...evidence].flatMap(([position, meets]) => (meets ? [] : [position]))
      if (at !== undefined) expect(at, `seed ${seed}`).toBeGreaterThan(Math.max(-1, ...failing))
      if (at !== undefined) expect(evidence.get(at), `seed ${seed}`).toBe(true)
      else expect(failing, `seed ${seed}`).toContain(truth.length - 1)
      seen += Math.sign(disorder.length)
    }
    expect(seen).toBeGreaterThan(50)
  })

  it('sees every lonely exception beside the threshold', () => {
    const meets = (position: number) => position >= 10 && position !== 11
    const { at, disorder } = probed(meets, { count: 20, checks: 1 })
    expect(at).toBe(12)
    expect(disorder).toEqual([{ meets: 10, fails: 11 }])
  })
})
