import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { bindingsOf } from './binding.js'
import { divide } from './divide.js'
import type { Claim, DivisionInput } from './division.js'

const claim = (id: string, rest: Partial<Claim>): Claim => ({
  id,
  weight: 1,
  guarantee: 0,
  limit: Infinity,
  demand: Infinity,
  ...rest,
})

function kindsOf(capacity: number, claims: readonly Claim[], maxShare = 1): readonly string[] {
  const input = { capacity, claims, maxShare }
  return bindingsOf(input, divide(input)).map(({ kind }) => kind)
}

describe('what binds an amount', () => {
  it('is the share of what is scarce, the demand, the limit or the largest share', () => {
    const claims = [claim('a', {}), claim('b', { demand: 10 }), claim('c', { limit: 20 })]
    expect(kindsOf(100, claims)).toEqual(['share', 'demand', 'limit'])
    expect(kindsOf(100, claims, 0.5)).toEqual(['max_share', 'demand', 'limit'])
  })

  it('is the guarantee, or the one unit for everybody, where the share is less', () => {
    const claims = [claim('a', { weight: 1_000 }), claim('b', { guarantee: 30 }), claim('c', {})]
    expect(kindsOf(100, claims)).toEqual(['share', 'guarantee', 'minimum'])
  })

  it('is what guarantees were cut to where they exceed what there is', () => {
    expect(kindsOf(10, [claim('a', { guarantee: 8 }), claim('b', { guarantee: 8 })])).toEqual([
      'overcommitted',
      'overcommitted',
    ])
  })

  it('is nothing for whoever is not healthy, and all there is for who is alone', () => {
    expect(kindsOf(10, [claim('a', { health: 'dead' }), claim('b', {})])).toEqual(['none', 'capacity'])
  })

  it('agrees with the bounds of any division (seeds 1..500)', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const input = randomInput(seed)
      const division = divide(input)
      bindingsOf(input, division).forEach(({ kind, floor, cap }, i) => {
        const exact = division.exact[i]
        const { weight } = input.claims[i]
        const where = `seed ${seed}, claim ${i}: ${kind} with ${exact} in ${floor}..${cap}`
        if (kind === 'share') expect(exact, where).toBeCloseTo(weight * (division.level ?? Number.NaN), 6)
        else if (kind === 'overcommitted') expect(exact, where).toBeLessThan(floor)
        else if (kind === 'guarantee' || kind === 'minimum') expect(exact, where).toBe(floor)
        else expect(exact, where).toBe(cap)
      })
    }
  })
})

function randomInput(seed: number): DivisionInput {
  const rng = new SeededRng(seed, 'binding')
  const claims = Array.from({ length: 1 + rng.int(8) }, (_, i) => {
    const limit = rng.int(3) === 0 ? rng.int(200) : Infinity
    return claim(`e${i}`, {
      weight: 1 + rng.int(9),
      limit,
      guarantee: rng.int(2) === 0 ? 0 : Math.min(limit, rng.int(60)),
      demand: rng.int(2) === 0 ? rng.int(150) : Infinity,
      health: rng.int(8) === 0 ? 'dead' : 'healthy',
    })
  })
  return { capacity: rng.int(400), claims, maxShare: rng.int(2) === 0 ? 1 : 0.6 }
}
