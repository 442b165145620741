import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { divide } from './divide.js'
import { divideAlone } from './divide-alone.js'
import type { Claim, DivisionInput } from './division.js'

/** Somebody who gets nothing and changes nothing, so that the way of many claims is taken. */
const nobody: Claim = { id: 'zzz', weight: 1, guarantee: 0, limit: 0, demand: 0, health: 'dead' }

function randomInput(rng: SeededRng): DivisionInput {
  const limit = rng.int(4) === 0 ? Infinity : rng.int(300)
  const claim: Claim = {
    id: 'a',
    weight: 1 + rng.int(9),
    guarantee: rng.int(Math.min(limit, 250) + 1),
    limit,
    demand: rng.int(300),
    health: rng.int(8) === 0 ? 'dead' : 'healthy',
  }
  const carry = { ids: ['a'], errors: [rng.int(3) / 4], groupIds: [], groupErrors: [] }
  const input = { capacity: rng.int(200), claims: [claim], maxShare: rng.int(5) / 4 > 1 ? 1 : rng.int(5) / 4 }
  return rng.int(2) === 0 ? input : { ...input, carry }
}

describe('a claim that has the resource to itself', () => {
  it.each([1, 2, 3])('gets what it would get beside somebody who claims nothing (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'alone')
    for (let i = 0; i < 2_000; i++) {
      const input = randomInput(rng)
      const beside = divide({ ...input, claims: [...input.claims, nobody] })
      const alone = divideAlone(input)
      expect(alone, JSON.stringify(input)).toEqual({
        ...beside,
        amounts: beside.amounts.slice(0, 1),
        exact: beside.exact.slice(0, 1),
        lent: beside.lent.slice(0, 1),
        carry: { ids: ['a'], errors: beside.carry.errors.slice(0, 1), groupIds: [], groupErrors: [] },
      })
    }
  })

  it('is left to the way of many where a lending limit keeps something unused', () => {
    const claim: Claim = { id: 'a', weight: 1, guarantee: 10, limit: 10, demand: 2, lendingLimit: 4 }
    expect(divideAlone({ capacity: 20, claims: [claim] })).toBeUndefined()
    expect(divide({ capacity: 20, claims: [claim] }).amounts).toEqual([2])
  })
})
