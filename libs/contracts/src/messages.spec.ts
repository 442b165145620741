import { describe, expect, it } from 'vitest'
import { BUDGET_HOLD_ROUNDS, effectiveBudget } from './decay.js'
import { engineDocumentSchema, engineMessageSchema } from './messages.js'

const heartbeat = {
  kind: 'heartbeat',
  engine: 'a',
  incarnation: 1,
  beat: 1,
  model: 'm',
  processedThrough: 0,
  epoch: 1,
  sequence: 1,
  held: 3,
  inUse: 2,
  demand: { tokens: 10, bundles: 3, tokensPerSecond: 1000 },
  spentTokens: 0,
  lowestPriority: null,
  supply: [{ priority: 0, bundles: 1, costUs: 5 }],
}

describe('messages', () => {
  it('accept what engines send and refuse unknown kinds, unknown fields and impossible numbers', () => {
    expect(engineMessageSchema.safeParse(heartbeat).success).toBe(true)
    for (const broken of [
      { ...heartbeat, kind: 'hearbeat' },
      { ...heartbeat, helt: 3 },
      { ...heartbeat, held: -1 },
      { ...heartbeat, held: 1.5 },
      { ...heartbeat, engine: '' },
      { ...heartbeat, supply: Array.from({ length: 17 }, () => heartbeat.supply[0]) },
      { kind: 'request', engine: 'a', incarnation: 1, number: 1, id: 'x', bundles: 0 },
    ])
      expect(engineMessageSchema.safeParse(broken).success, JSON.stringify(broken)).toBe(false)
  })

  it('keep a document whole: a missing member is refused', () => {
    const document = {
      engine: 'a',
      incarnation: 1,
      epoch: 1,
      sequence: 1,
      ackBeat: 0,
      processedThrough: 0,
      member: true,
      census: false,
      leaseBundles: 1,
      guaranteeBundles: 1,
      limitBundles: 2,
      budget: { round: 1, tokens: 5, lentTokens: 0, floor: 1 },
      reclaims: [{ request: 'r', bundles: 1, victimsBelow: null }],
      sharesPool: true,
      supplyWanted: true,
      outcomes: [{ kind: 'denied', id: 'r', reason: 'cycle' }],
    }
    expect(engineDocumentSchema.safeParse(document).success).toBe(true)
    for (const key of Object.keys(document)) {
      const partial = Object.fromEntries(Object.entries(document).filter(([other]) => other !== key))
      expect(engineDocumentSchema.safeParse(partial).success, key).toBe(false)
    }
  })
})

describe('effectiveBudget', () => {
  const budget = { round: 1, tokens: 1000, lentTokens: 100, floor: 300 }

  it('never rises while documents fail to come, and ends at the floor', () => {
    let last = Infinity
    for (let rounds = 0; rounds < 60; rounds++) {
      const { tokens, lentTokens } = effectiveBudget(budget, rounds, true)
      expect(tokens + lentTokens).toBeLessThanOrEqual(last)
      expect(tokens).toBeGreaterThanOrEqual(budget.floor)
      last = tokens + lentTokens
    }
    expect(last).toBe(budget.floor)
  })

  it('is whole for the first rounds and the floor alone without a lease', () => {
    expect(effectiveBudget(budget, BUDGET_HOLD_ROUNDS, true)).toEqual({ tokens: 1000, lentTokens: 100 })
    expect(effectiveBudget(budget, 0, false)).toEqual({ tokens: 300, lentTokens: 0 })
  })

  it('does not grow a budget that lies below its floor', () => {
    expect(effectiveBudget({ ...budget, tokens: 200 }, 50, true).tokens).toBe(200)
  })
})
