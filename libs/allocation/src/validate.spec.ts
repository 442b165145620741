import { describe, expect, it } from 'vitest'
import type { DivisionInput } from './division.js'
import { describeProblem, validateDivision } from './validate.js'

const fine = { id: 'a', weight: 1, guarantee: 0, limit: Infinity, demand: Infinity }

describe('validateDivision', () => {
  it('accepts what divide takes', () => {
    expect(
      validateDivision({ capacity: 2 ** 53, claims: [fine, { ...fine, id: 'b' }], maxShare: 0 }),
    ).toEqual([])
  })

  it.each<[DivisionInput, string]>([
    [{ capacity: -1, claims: [] }, 'capacity is -1: must be a whole number in 0..2^53'],
    [{ capacity: 2 ** 54, claims: [] }, 'capacity is 18014398509481984: must be a whole number in 0..2^53'],
    [{ capacity: 1, claims: [], maxShare: 1.5 }, 'maxShare is 1.5: must be a number in 0..1'],
    [
      { capacity: 1, claims: [{ ...fine, weight: 0 }] },
      'claims[0].weight is 0: must be a whole number from 1',
    ],
    [
      { capacity: 1, claims: [{ ...fine, weight: 1.5 }] },
      'claims[0].weight is 1.5: must be a whole number from 1',
    ],
    [
      { capacity: 1, claims: [fine, { ...fine, id: 'b', guarantee: 5, limit: 4 }] },
      'claims[1].guarantee is 5: must be at most the limit 4',
    ],
    [
      { capacity: 1, claims: [{ ...fine, guarantee: Infinity }] },
      'claims[0].guarantee is Infinity: must be a whole number from 0',
    ],
    [
      { capacity: 1, claims: [{ ...fine, demand: Number.NaN }] },
      'claims[0].demand is NaN: must be a whole number from 0, or Infinity for everything',
    ],
    [{ capacity: 1, claims: [fine, fine] }, 'claims[1].id is "a": must be an id that no other entry has'],
    [{ capacity: 1, claims: [{ ...fine, id: '' }] }, 'claims[0].id is "": must be a name'],
    [
      { capacity: 1, claims: [{ ...fine, group: 'x' }], groups: [{ id: 'g', weight: 1 }] },
      'claims[0].group is "x": must be the id of a group: g',
    ],
    [
      { capacity: 1, claims: [{ ...fine, group: 'x' }] },
      'claims[0].group is "x": must be the id of a group, but there are no groups',
    ],
    [
      { capacity: 1, claims: [], groups: [{ id: 'g', weight: 1, parent: 'g' }] },
      'groups[0].parent is "g": must be a group that is not below this one',
    ],
    [
      {
        capacity: 1,
        claims: [
          { ...fine, weight: 2 ** 53 },
          { ...fine, id: 'b', weight: 2 ** 53 },
        ],
      },
      'claims is 18014398509481984: must be weights that add up to at most 2^53',
    ],
  ])('refuses %j with the field, the value and what would be right', (input, message) => {
    expect(validateDivision(input).map(describeProblem)).toEqual([message])
  })

  it('names every problem at once', () => {
    const claims = [{ ...fine, weight: -1, guarantee: 0.5, limit: Number.NaN }]
    expect(validateDivision({ capacity: 0.5, claims })).toHaveLength(4)
  })
})
