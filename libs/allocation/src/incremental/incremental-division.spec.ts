import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { divide } from '../divide.js'
import type { Claim } from '../division.js'
import { type InstanceShape, randomInput, wide } from '../testing/instances.js'
import { IncrementalDivision } from './incremental-division.js'

const SEED = 7_771

function claim(id: string, terms: Partial<Claim> = {}): Claim {
  return { id, weight: 1, guarantee: 0, limit: Infinity, demand: Infinity, ...terms }
}

/** What differs from a division of the same claims from scratch, or undefined. */
function difference(
  kept: IncrementalDivision,
  capacity: number,
  claims: readonly Claim[],
  maxShare: number,
): string | undefined {
  const fresh = divide({ capacity, claims, maxShare })
  for (let i = 0; i < claims.length; i++) {
    const { id } = claims[i]
    if (kept.amountOf(id) !== fresh.amounts[i]) return `${id}: ${kept.amountOf(id)}, not ${fresh.amounts[i]}`
    if (kept.exactOf(id) !== fresh.exact[i])
      return `${id}: exactly ${kept.exactOf(id)}, not ${fresh.exact[i]}`
    if (kept.lentTo(id) !== fresh.lent[i]) return `${id}: lent ${kept.lentTo(id)}, not ${fresh.lent[i]}`
  }
  const [mine, theirs] = [kept.level, fresh.level]
  if (mine === null || theirs === null) {
    if (mine !== theirs) return `level ${mine}, not ${theirs}`
  } else if (Math.abs(mine - theirs) > 1e-12 * theirs) return `level ${mine}, not ${theirs}`
  const [said, due] = [JSON.stringify(kept.conditions), JSON.stringify(fresh.conditions)]
  return said === due ? undefined : `${said}, not ${due}`
}

/** A claim as `randomInput` makes them, some with a lending limit. */
function randomClaim(rng: SeededRng, id: string, shape: InstanceShape): Claim {
  const made = randomInput(rng, { ...shape, claimsMax: 1 }).claims[0]
  const scale = 1 + rng.int(8)
  const scaled: Claim = {
    ...made,
    id,
    guarantee: Math.floor(made.guarantee / scale),
    demand: made.demand === Infinity ? Infinity : Math.floor(made.demand / scale),
  }
  return rng.int(6) === 0 ? { ...scaled, lendingLimit: wide(rng, scaled.guarantee + 2) } : scaled
}

describe('IncrementalDivision', () => {
  it.each<[string, number, number, InstanceShape]>([
    ['few claims', 120, 100, { claimsMax: 8, capacityMax: 2_000, weightMax: 6 }],
    ['many claims of few weights', 12, 250, { claimsMax: 300, capacityMax: 30_000, weightMax: 3 }],
    ['many claims of many weights', 12, 250, { claimsMax: 300, capacityMax: 1_000_000, weightMax: 5_000 }],
    ['hardly any units', 60, 100, { claimsMax: 20, capacityMax: 40, weightMax: 5 }],
    ['numbers near 2^53', 40, 60, { claimsMax: 16, capacityMax: 2 ** 48, weightMax: 2 ** 40 }],
  ])(
    `is the full division after every change of a random history: %s, seed ${SEED}`,
    (name, runs, steps, shape) => {
      const rng = new SeededRng(SEED, name)
      for (let run = 0; run < runs; run++) {
        const { capacity, maxShare = 1 } = randomInput(rng, shape)
        const ids = Array.from({ length: 1 + rng.int(shape.claimsMax) }, (_, i) => `engine-${i}`)
        const claims = new Map<string, Claim>()
        for (const id of ids) if (rng.int(3) > 0) claims.set(id, randomClaim(rng, id, shape))
        const kept = new IncrementalDivision({ capacity, claims: [...claims.values()], maxShare })
        for (let step = 0; step < steps; step++) {
          const id = ids[rng.int(ids.length)]
          const old = claims.get(id)
          if (old !== undefined && rng.int(6) === 0) {
            claims.delete(id)
            kept.remove(id)
          } else {
            const made = randomClaim(rng, id, shape)
            const next = old !== undefined && rng.int(2) === 0 ? { ...old, demand: made.demand } : made
            claims.set(id, next)
            kept.put(next)
          }
          // Not every change is read: several may come before a read.
          if (rng.int(3) === 0) continue
          const wrong = difference(kept, capacity, [...claims.values()], maxShare)
          if (wrong !== undefined)
            expect.fail(
              `run ${run}, step ${step}: ${wrong} of ${JSON.stringify([...claims.values()])} on ${capacity}`,
            )
        }
      }
    },
  )

  it('breaks ties by id, across weights too, as the full division does', () => {
    // Webster's rank is 1/2 for everybody at a level below 1: (2 x 0 + 1) / (2 x 1), and 3/6 for a weight of 3 with one whole unit.
    const claims = ['d', 'a', 'c', 'b'].map((id) => claim(id))
    const heavy = [claim('bb', { weight: 3 })]
    const all = [...claims, ...heavy]
    for (const capacity of [5, 6, 7, 8]) {
      const kept = new IncrementalDivision({ capacity, claims: all })
      expect(
        all.map(({ id }) => kept.amountOf(id)),
        `${capacity}`,
      ).toEqual(divide({ capacity, claims: all }).amounts)
    }
  })

  it('knows nothing of an unknown id, and removing it changes nothing', () => {
    const kept = new IncrementalDivision({ capacity: 10, claims: [claim('a')] })
    kept.remove('b')
    expect([kept.amountOf('a'), kept.amountOf('b'), kept.exactOf('b'), kept.lentTo('b')]).toEqual([
      10,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('refuses what it cannot keep exactly, and changes nothing', () => {
    const kept = new IncrementalDivision({ capacity: 2 ** 50, claims: [claim('a')] })
    expect(() => kept.put(claim('b', { weight: 2 ** 53 }))).toThrow(/pass 2\^53/)
    expect(() => kept.put(claim('b', { group: 'g' }))).toThrow(/b is in group g/)
    expect(() => kept.put(claim('a', { weight: 0 }))).toThrow(/weight 0 of a/)
    expect([kept.amountOf('a'), kept.amountOf('b')]).toEqual([2 ** 50, undefined])
    expect(() => new IncrementalDivision({ capacity: 0.5, claims: [] })).toThrow(/capacity 0.5/)
  })
})
