import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import type { Claim } from './division.js'
import { divide } from './divide.js'
import { divideDominant } from './dominant.js'
import { policyByName } from './policies.js'
import { randomInput } from './testing/instances.js'

function claim(id: string, demand: number, terms: Partial<Claim> = {}): Claim {
  return { id, weight: 1, guarantee: 0, limit: Infinity, demand, ...terms }
}

describe('divideDominant', () => {
  it('solves the example of the paper: 9 CPUs and 18 GB, tasks of <1, 4> and <3, 1>', () => {
    // Demands large enough to be limited by the cluster alone: A gets 3 tasks, B gets 2 (Ghodsi et al. 2011, §4.1).
    const cpus = { capacity: 9_000, claims: [claim('A', 4_500), claim('B', 9_000)] }
    const memory = { capacity: 18_000, claims: [claim('A', 18_000), claim('B', 3_000)] }
    const [byCpu, byMemory] = divideDominant([cpus, memory])
    expect(byCpu.amounts).toEqual([3_000, 6_000])
    expect(byMemory.amounts).toEqual([12_000, 2_000])
    expect(byCpu.level).toBeCloseTo(2 / 3, 12)
  })

  it('lets who does not need the full resource go on', () => {
    const tokens = { capacity: 100, claims: [claim('a', 100), claim('b', 100), claim('c', 0)] }
    const bundles = { capacity: 100, claims: [claim('a', 10), claim('b', 10), claim('c', 100)] }
    const [first, second] = divideDominant([tokens, bundles])
    expect(first.amounts).toEqual([50, 50, 0])
    expect(second.amounts).toEqual([5, 5, 90])
  })

  it('keeps guarantees, caps and the unwell', () => {
    const tokens = {
      capacity: 100,
      claims: [
        claim('a', 100, { guarantee: 80 }),
        claim('b', 100, { limit: 5 }),
        claim('c', 100, { health: 'dead' }),
      ],
    }
    expect(divideDominant([tokens])[0].amounts).toEqual([95, 5, 0])
  })

  it('is weighted max-min when there is one resource that everybody could use as much of', () => {
    const seed = 5
    const rng = new SeededRng(seed, 'drf')
    for (let run = 0; run < 300; run++) {
      const random = randomInput(rng, { claimsMax: 8, capacityMax: 3_000, weightMax: 12 })
      const claims = random.claims.map(({ id, weight }) => claim(id, Infinity, { weight }))
      const input = { capacity: 200 + random.capacity, claims }
      const [drf] = divideDominant([input])
      const expected = divide(input)
      expect(
        drf.exact.every((amount, i) => Math.abs(amount - expected.exact[i]) < 1e-6),
        `seed ${seed}, run ${run}`,
      ).toBe(true)
    }
  })

  it('never gives out more of any resource than there is', () => {
    const seed = 6
    const rng = new SeededRng(seed, 'drf sums')
    for (let run = 0; run < 500; run++) {
      const first = randomInput(rng, { claimsMax: 8, capacityMax: 3_000, weightMax: 12 })
      const second = {
        capacity: rng.int(500),
        claims: first.claims.map((c) => ({ ...c, guarantee: 0, limit: Infinity, demand: rng.int(300) })),
      }
      const answers = divideDominant([first, second])
      for (const [r, input] of [first, second].entries()) {
        const sum = answers[r].amounts.reduce((total, amount) => total + amount, 0)
        expect(sum, `seed ${seed}, run ${run}`).toBeLessThanOrEqual(input.capacity)
        answers[r].amounts.forEach((amount, i) =>
          expect(amount, `seed ${seed}, run ${run}`).toBeLessThanOrEqual(
            Math.min(input.claims[i].limit, input.claims[i].demand),
          ),
        )
      }
    }
  })

  it('is what policy drf asks, with the other resources from its context', () => {
    const cpus = { capacity: 9_000, claims: [claim('A', 4_500), claim('B', 9_000)] }
    const memory = { capacity: 18_000, claims: [claim('A', 18_000), claim('B', 3_000)] }
    const found = policyByName('drf')
    if (found.kind !== 'policy') throw new Error(found.message)
    expect(found.policy(memory, { others: () => [cpus] }).amounts).toEqual([12_000, 2_000])
  })

  it('refuses resources that different claims want', () => {
    const one = { capacity: 1, claims: [claim('a', 1)] }
    const other = { capacity: 1, claims: [claim('b', 1)] }
    expect(() => divideDominant([one, other])).toThrow(/same claims/)
  })
})
