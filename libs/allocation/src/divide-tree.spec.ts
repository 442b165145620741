import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { NO_CARRY, type Carry } from './carry.js'
import { divide } from './divide.js'
import type { Claim, DivisionInput, Group } from './division.js'
import { randomInput, shuffled, wide } from './testing/instances.js'
import { validateDivision } from './validate.js'

function claim(id: string, terms: Partial<Claim> = {}): Claim {
  return { id, weight: 1, guarantee: 0, limit: Infinity, demand: Infinity, ...terms }
}

const SEED = 31

/** Random claims in up to five nested groups. */
function randomTree(rng: SeededRng): DivisionInput {
  const flat = randomInput(rng, { claimsMax: 12, capacityMax: 3_000, weightMax: 20 })
  const groups: Group[] = Array.from({ length: 1 + rng.int(5) }, (_, i) => {
    const limit = rng.int(3) === 0 ? 1 + wide(rng, flat.capacity + 1) : Infinity
    const guarantee = rng.int(3) === 0 ? Math.min(limit, wide(rng, 1 + Math.floor(flat.capacity / 4))) : 0
    const parent = i > 0 && rng.int(2) === 0 ? { parent: `group-${rng.int(i)}` } : {}
    return { id: `group-${i}`, weight: 1 + rng.int(9), guarantee, limit, ...parent }
  })
  const claims = flat.claims.map((c) =>
    rng.int(4) === 0 ? c : { ...c, group: `group-${rng.int(groups.length)}` },
  )
  return { ...flat, claims, groups }
}

/** Claims below a group, at any depth. */
function membersOf(input: DivisionInput, group: string): number[] {
  const parents = new Map((input.groups ?? []).map(({ id, parent }) => [id, parent]))
  const below = (id: string | undefined): boolean =>
    id !== undefined && (id === group || below(parents.get(id)))
  return input.claims.flatMap((c, i) => (below(c.group) ? [i] : []))
}

function sumOver(values: readonly number[], members: readonly number[]): number {
  return members.reduce((sum, i) => sum + values[i], 0)
}

describe('divide with groups', () => {
  it('divides between groups by their weight, then inside by the members', () => {
    const groups = [
      { id: 'research', weight: 1 },
      { id: 'product', weight: 3 },
    ]
    const claims = [
      claim('a', { group: 'research' }),
      claim('b', { group: 'research' }),
      claim('c', { group: 'product', weight: 2 }),
      claim('d', { group: 'product', demand: 100 }),
    ]
    expect(divide({ capacity: 1000, claims, groups }).amounts).toEqual([125, 125, 650, 100])
  })

  it('keeps what a group leaves over for the others, and lends within group limits', () => {
    const groups = [{ id: 'g', weight: 9, limit: 300 }]
    const claims = [
      claim('a', { group: 'g', demand: 200 }),
      claim('b', { group: 'g', demand: 0 }),
      claim('c', { demand: 500 }),
    ]
    const { amounts, lent } = divide({ capacity: 1000, claims, groups })
    expect(amounts).toEqual([200, 0, 500])
    expect(lent).toEqual([50, 50, 200])
  })

  it('honours a guarantee inside a light group, and names the group whose guarantees exceed its limit', () => {
    const groups = [{ id: 'g', weight: 1, limit: 100 }]
    const claims = [
      claim('a', { group: 'g', guarantee: 90 }),
      claim('b', { group: 'g', guarantee: 90 }),
      claim('c', { weight: 1000 }),
    ]
    const { amounts, conditions } = divide({ capacity: 1000, claims, groups })
    expect(amounts).toEqual([50, 50, 900])
    expect(conditions).toEqual([
      { kind: 'guarantees_overcommitted', group: 'g', guaranteed: 180, capacity: 100 },
    ])
  })

  it('answers as without groups when one group holds everybody', () => {
    const rng = new SeededRng(SEED, 'one group')
    for (let run = 0; run < 500; run++) {
      const flat = randomInput(rng, { claimsMax: 10, capacityMax: 3_000, weightMax: 20 })
      const grouped = {
        ...flat,
        claims: flat.claims.map((c) => ({ ...c, group: 'g' })),
        groups: [{ id: 'g', weight: 5 }],
      }
      expect(divide(grouped).amounts, `seed ${SEED}, run ${run}`).toEqual(divide(flat).amounts)
      expect(divide(grouped).lent, `seed ${SEED}, run ${run}`).toEqual(divide(flat).lent)
    }
  })

  it(`stays within one unit of exact, in every bound and in sum, for any tree, seed ${SEED}`, () => {
    const rng = new SeededRng(SEED, 'trees')
    for (let run = 0; run < 2_000; run++) {
      const input = randomTree(rng)
      const where = `seed ${SEED}, run ${run}: ${JSON.stringify(input)}`
      expect(validateDivision(input), where).toEqual([])
      const { amounts, exact, lent } = divide(input)
      amounts.forEach((amount, i) => {
        expect(Math.abs(amount - exact[i]), where).toBeLessThan(1)
        const { limit, demand } = input.claims[i]
        expect(amount, where).toBeLessThanOrEqual(Math.min(limit, demand))
        expect(amount + lent[i], where).toBeLessThanOrEqual(limit)
      })
      for (const { id, limit = Infinity } of input.groups ?? []) {
        const members = membersOf(input, id)
        expect(sumOver(amounts, members) + sumOver(lent, members), where).toBeLessThanOrEqual(limit)
        expect(Math.abs(sumOver(amounts, members) - sumOver(exact, members)), where).toBeLessThan(1 + 1e-9)
      }
      const all = amounts.map((_, i) => i)
      expect(sumOver(amounts, all) + sumOver(lent, all), where).toBeLessThanOrEqual(input.capacity)
      expect(sumOver(amounts, all), where).toBe(Math.round(sumOver(exact, all)))
    }
  })

  it('does not depend on the order of claims and groups', () => {
    const rng = new SeededRng(SEED, 'order')
    for (let run = 0; run < 500; run++) {
      const input = randomTree(rng)
      const mixed = {
        ...input,
        claims: shuffled(rng, input.claims),
        groups: shuffled(rng, input.groups ?? []),
      }
      const [first, second] = [divide(input), divide(mixed)]
      mixed.claims.forEach((c, i) =>
        expect(second.amounts[i], `seed ${SEED}, run ${run}`).toBe(first.amounts[input.claims.indexOf(c)]),
      )
    }
  })

  it('stays within as many units of the exact total as a claim is levels deep', () => {
    const rng = new SeededRng(SEED, 'rounds')
    let farthest = 0
    for (let run = 0; run < 60; run++) {
      const input = randomTree(rng)
      let carry: Carry = NO_CARRY
      const owed = input.claims.map(() => 0)
      for (let round = 0; round < 150; round++) {
        const division = divide({ ...input, carry })
        carry = division.carry
        owed.forEach((_, i) => {
          owed[i] += division.exact[i] - division.amounts[i]
          farthest = Math.max(farthest, Math.abs(owed[i]))
        })
      }
    }
    console.info(`trees over time: at most ${farthest.toFixed(3)} units from the exact total`)
    expect(farthest).toBeLessThan(3)
  })
})
