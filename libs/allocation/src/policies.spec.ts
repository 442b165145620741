import { describe, expect, it } from 'vitest'
import { type BudgetPolicy, POLICY_NAMES, policyByName } from './policies.js'
import type { Claim, DivisionInput } from './division.js'

function claim(id: string, terms: Partial<Claim> = {}): Claim {
  return { id, weight: 1, guarantee: 0, limit: Infinity, demand: Infinity, ...terms }
}

function policy(name: string): BudgetPolicy {
  const found = policyByName(name)
  if (found.kind !== 'policy') throw new Error(found.message)
  return found.policy
}

/** Two busy engines, one with little demand, one idle. */
const mixed: DivisionInput = {
  capacity: 1000,
  claims: [claim('a'), claim('b', { demand: 100 }), claim('c', { weight: 2 }), claim('d', { demand: 0 })],
}

describe('policyByName', () => {
  it('knows every policy of the settings and refuses others naming them', () => {
    for (const name of POLICY_NAMES) expect(policyByName(name).kind).toBe('policy')
    expect(policyByName('fifo')).toEqual({
      kind: 'unknown_policy',
      name: 'fifo',
      message:
        'policy "fifo" does not exist: use one of weighted-max-min, proportional, drf, kapsl-compat, static, uncoordinated',
    })
  })
})

describe('the policies on one load', () => {
  it.each([
    ['weighted-max-min', [300, 100, 600, 0]],
    ['proportional', [250, 100, 500, 0]],
    ['static', [200, 200, 400, 200]],
    ['uncoordinated', [1000, 100, 1000, 0]],
    ['kapsl-compat', [400, 200, 400, 0]],
    ['drf', [300, 100, 600, 0]],
  ])('%s gives %j', (name, amounts) => {
    expect(policy(name)(mixed).amounts).toEqual(amounts)
  })

  it('proportional does not divide again what limits leave', () => {
    const claims = [claim('a', { limit: 100 }), claim('b')]
    expect(policy('proportional')({ capacity: 1000, claims }).amounts).toEqual([100, 500])
  })

  it('static stays within limits and ignores demand and health', () => {
    const claims = [claim('a', { limit: 100, demand: 0 }), claim('b', { health: 'dead' })]
    expect(policy('static')({ capacity: 1000, claims }).amounts).toEqual([100, 500])
  })

  it('uncoordinated says that it hands out more than there is', () => {
    expect(policy('uncoordinated')(mixed).conditions).toEqual([
      { kind: 'sum_exceeds_capacity', sum: 2100, capacity: 1000 },
    ])
  })

  it('static takes turns with the rounding unit over rounds', () => {
    const claims = [claim('a'), claim('b'), claim('c')]
    const first = policy('static')({
      capacity: 1,
      claims,
      carry: { ids: [], errors: [], groupIds: [], groupErrors: [] },
    })
    const second = policy('static')({ capacity: 1, claims, carry: first.carry })
    expect([first.amounts, second.amounts]).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ])
  })
})
