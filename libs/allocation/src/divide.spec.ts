import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { NO_CARRY, type Carry } from './carry.js'
import { divide, divideGuarantees } from './divide.js'
import { CAPACITY_MAX, type Claim, type DivisionInput } from './division.js'
import { randomInput } from './testing/instances.js'

function claim(id: string, terms: Partial<Claim> = {}): Claim {
  return { id, weight: 1, guarantee: 0, limit: Infinity, demand: Infinity, ...terms }
}

describe('divide', () => {
  it('divides by weight when everybody wants everything', () => {
    const { amounts, level } = divide({ capacity: 1000, claims: [claim('a'), claim('b', { weight: 3 })] })
    expect(amounts).toEqual([250, 750])
    expect(level).toBe(250)
  })

  it('gives what one cannot use to the others by weight', () => {
    const claims = [claim('a', { demand: 10 }), claim('b'), claim('c', { weight: 2 })]
    expect(divide({ capacity: 1000, claims }).amounts).toEqual([10, 330, 660])
  })

  it('says level null and lends by weight when demand leaves something over', () => {
    const claims = [claim('a', { demand: 100 }), claim('b', { demand: 0, weight: 3, limit: 500 })]
    const { amounts, level, lent } = divide({ capacity: 1000, claims })
    expect(amounts).toEqual([100, 0])
    expect(level).toBeNull()
    expect(lent).toEqual([400, 500])
  })

  it('gives a guarantee before weight, and one unit to everybody with demand', () => {
    const claims = [claim('a', { guarantee: 600 }), claim('b', { weight: 1_000_000 }), claim('c')]
    expect(divide({ capacity: 1000, claims }).amounts).toEqual([600, 399, 1])
  })

  it('divides guarantees by weight and says so when they exceed the capacity', () => {
    const claims = [claim('a', { guarantee: 800 }), claim('b', { guarantee: 800, weight: 3 }), claim('c')]
    const { amounts, conditions } = divide({ capacity: 1000, claims })
    expect(amounts).toEqual([250, 749, 1])
    expect(conditions).toEqual([
      { kind: 'guarantees_overcommitted', group: null, guaranteed: 1600, capacity: 1000 },
    ])
  })

  it('raises the condition for guarantees that are not in demand just now', () => {
    const claims = [claim('a', { guarantee: 800 }), claim('b', { guarantee: 800, demand: 0 })]
    const { amounts, conditions } = divide({ capacity: 1000, claims })
    expect(amounts).toEqual([1000, 0])
    expect(conditions.map(({ kind }) => kind)).toEqual(['guarantees_overcommitted'])
  })

  it('divides the share of a degraded or dead engine among the healthy, and reserves nothing for it', () => {
    const claims = [
      claim('a', { health: 'dead', guarantee: 300 }),
      claim('b', { health: 'healthy' }),
      claim('c', { health: 'degraded' }),
    ]
    const { amounts, lent, conditions } = divide({ capacity: 1000, claims })
    expect([amounts, lent, conditions]).toEqual([[0, 1000, 0], [0, 0, 0], []])
  })

  it('holds the largest share on every path', () => {
    const claims = [claim('a'), claim('b', { demand: 0 })]
    const { amounts, lent } = divide({ capacity: 1000, claims, maxShare: 0.9 })
    expect(amounts).toEqual([900, 0])
    expect(lent).toEqual([0, 100])
  })

  it('reads the largest share as the decimal it is written as', () => {
    expect(divide({ capacity: 100, claims: [claim('a')], maxShare: 0.29 }).amounts).toEqual([29])
    expect(divide({ capacity: CAPACITY_MAX, claims: [claim('a')], maxShare: 1 }).amounts).toEqual([
      CAPACITY_MAX,
    ])
  })

  it('answers nothing for no claims and zeros for no capacity', () => {
    expect(divide({ capacity: 10, claims: [] }).amounts).toEqual([])
    expect(divide({ capacity: 0, claims: [claim('a'), claim('b')] }).amounts).toEqual([0, 0])
  })

  it('says so when there are fewer units than claims with demand', () => {
    const { amounts, conditions } = divide({ capacity: 1, claims: [claim('b'), claim('a')] })
    expect(amounts).toEqual([0, 1])
    expect(conditions).toEqual([{ kind: 'fewer_units_than_claims', claims: 2, capacity: 1 }])
  })

  it('is exact at 2^53 with weights whose products are far beyond it', () => {
    const weights = [4_294_967_295, 1, 4_294_967_291]
    const { amounts } = divide({
      capacity: CAPACITY_MAX,
      claims: weights.map((weight, i) => claim(`e${i}`, { weight })),
    })
    const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
    expect(amounts.reduce((sum, amount) => sum + BigInt(amount), 0n)).toBe(BigInt(CAPACITY_MAX))
    amounts.forEach((amount, i) => {
      const apart = BigInt(amount) * total - BigInt(weights[i]) * BigInt(CAPACITY_MAX)
      expect(apart < total && -apart < total).toBe(true)
    })
  })

  it.each([
    ['capacity', { capacity: 1.5, claims: [] }, /capacity 1.5/],
    ['weight', { capacity: 1, claims: [claim('a', { weight: 0 })] }, /weight 0 of a/],
    ['guarantee', { capacity: 1, claims: [claim('a', { guarantee: 2, limit: 1 })] }, /guarantee 2, limit 1/],
    ['demand', { capacity: 1, claims: [claim('a', { demand: Number.NaN })] }, /demand NaN/],
    ['maxShare', { capacity: 1, claims: [], maxShare: 2 }, /maxShare 2/],
  ])('fails loudly on an impossible %s', (_, input: DivisionInput, message) => {
    expect(() => divide(input)).toThrow(message)
  })
})

describe('divideGuarantees', () => {
  it('adds up to the capacity at most, whatever the demand', () => {
    const claims = [claim('a', { guarantee: 800, demand: 0 }), claim('b', { guarantee: 800 }), claim('c')]
    expect(divideGuarantees({ capacity: 1000, claims })).toEqual([500, 500, 0])
    expect(divideGuarantees({ capacity: 2000, claims })).toEqual([800, 800, 0])
  })
})

describe('rounds with carried fractions', () => {
  /** Plays rounds of one input; answers the largest distance from the exact total of any claim after any round. */
  function farthest(input: DivisionInput, rounds: number): number {
    let carry: Carry = NO_CARRY
    const totals = input.claims.map(() => 0)
    let far = 0
    for (let round = 1; round <= rounds; round++) {
      const division = divide({ ...input, carry })
      carry = division.carry
      division.amounts.forEach((amount, i) => {
        totals[i] += amount
        far = Math.max(far, Math.abs(round * division.exact[i] - totals[i]))
      })
    }
    return far
  }

  it('takes turns when there is one unit for several', () => {
    let carry: Carry = NO_CARRY
    const winners: number[] = []
    for (let round = 0; round < 6; round++) {
      const division = divide({ capacity: 1, claims: [claim('a'), claim('b'), claim('c')], carry })
      carry = division.carry
      winners.push(division.amounts.indexOf(1))
    }
    expect(winners).toEqual([0, 1, 2, 0, 1, 2])
  })

  it('keeps everybody within one unit of its exact total where the largest carried fraction would not', () => {
    // Five of 0.34 and two heavy ones of 0.15: whoever serves the heavy ones first cannot serve all five in time.
    const weights = [34, 34, 34, 34, 34, 15, 15]
    const claims = weights.map((weight, i) => claim(`e${i}`, { weight }))
    expect(farthest({ capacity: 2, claims }, 400)).toBeLessThan(1 - 1e-9)
  })

  const seed = 4_711
  it(`keeps everybody within one unit of its exact total in any round of any constant input, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'constant')
    for (let run = 0; run < 400; run++) {
      const input = randomInput(rng, { claimsMax: 14, capacityMax: 200, weightMax: 50 })
      const far = farthest(input, 120)
      if (far >= 1 - 1e-6) expect.fail(`run ${run}: ${far} units away in ${JSON.stringify(input)}`)
    }
  })

  it(`stays near the exact total under changing input too, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'changing')
    let carry: Carry = NO_CARRY
    const ids = Array.from({ length: 9 }, (_, i) => `e${i}`)
    const owed = ids.map(() => 0)
    let far = 0
    for (let round = 0; round < 5_000; round++) {
      const claims = ids.map((id) => claim(id, { weight: 1 + rng.int(20), demand: rng.int(40) }))
      const division = divide({ capacity: 20 + rng.int(100), claims, carry })
      carry = division.carry
      division.amounts.forEach((amount, i) => {
        owed[i] += division.exact[i] - amount
        far = Math.max(far, Math.abs(owed[i]))
      })
    }
    console.info(`changing input: at most ${far.toFixed(3)} units from the exact total in 5,000 rounds`)
    expect(far).toBeLessThan(2)
  })

  it('forgets the fraction of an engine that was away', () => {
    const all = [claim('a'), claim('b'), claim('c')]
    const first = divide({ capacity: 1, claims: all, carry: NO_CARRY })
    expect(first.amounts).toEqual([1, 0, 0])
    const away = divide({ capacity: 1, claims: all.slice(1), carry: first.carry })
    expect(away.carry.ids).toEqual(['b', 'c'])
    const back = divide({ capacity: 1, claims: all, carry: away.carry })
    // What a had too much is forgotten as well; c is owed most.
    expect(back.amounts).toEqual([0, 0, 1])
  })

  it('is plain data', () => {
    const { carry } = divide({ capacity: 7, claims: [claim('a'), claim('b'), claim('c')] })
    const copy: Carry = JSON.parse(JSON.stringify(carry))
    expect(divide({ capacity: 7, claims: [claim('a'), claim('b'), claim('c')], carry: copy })).toEqual(
      divide({ capacity: 7, claims: [claim('a'), claim('b'), claim('c')], carry }),
    )
  })
})
