import { BUDGET_HOLD_ROUNDS, type EngineDocument } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { BudgetMeter } from './budget-meter.js'
import { Lease } from './lease.js'

function document(change: Partial<EngineDocument>): EngineDocument {
  return {
    engine: 'a',
    incarnation: 1,
    epoch: 1,
    sequence: 1,
    ackBeat: 1,
    processedThrough: 0,
    member: true,
    census: false,
    leaseBundles: 10,
    guaranteeBundles: 3,
    limitBundles: 20,
    budget: { round: 1, tokens: 1000, lentTokens: 50, floor: 200 },
    reclaims: [],
    sharesPool: false,
    supplyWanted: false,
    outcomes: [],
    ...change,
  }
}

describe('Lease', () => {
  it('runs from the sending of the heartbeat that was answered, then shrinks to the guarantee', () => {
    const lease = new Lease(8_000_000)
    expect(lease.nextBeat(1_000_000)).toBe(1)
    expect(lease.apply(document({}), 0)).toBe(true)
    expect(lease.expiresUs).toBe(9_000_000)
    expect(lease.bundles(8_999_999)).toBe(10)
    expect(lease.bundles(9_000_000)).toBe(3)
  })

  it('ignores documents of an older epoch or sequence, and acknowledgements it never asked for', () => {
    const lease = new Lease(8_000_000)
    lease.nextBeat(0)
    lease.apply(document({ epoch: 2, sequence: 5 }), 0)
    expect(lease.apply(document({ epoch: 1, sequence: 9, leaseBundles: 99 }), 0)).toBe(false)
    expect(lease.apply(document({ epoch: 2, sequence: 5, leaseBundles: 99 }), 0)).toBe(false)
    expect(lease.bundles(0)).toBe(10)
    expect(lease.apply(document({ epoch: 2, sequence: 6, ackBeat: 40 }), 0)).toBe(true)
    expect(lease.expiresUs).toBe(8_000_000)
  })

  it('is what is mapped while a new owner counts: the rest may have been given to others', () => {
    const lease = new Lease(8_000_000)
    lease.nextBeat(0)
    lease.apply(document({}), 0)
    lease.apply(document({ epoch: 3, census: true, leaseBundles: 0 }), 4)
    expect(lease.bundles(0)).toBe(4)
    lease.apply(document({ epoch: 3, sequence: 2, census: true, leaseBundles: 0 }), 6)
    expect(lease.bundles(0)).toBe(4)
  })

  it('lets the budget decay to the floor when documents stop, and to nothing but the floor after the lease', () => {
    const lease = new Lease(8_000_000)
    lease.nextBeat(0)
    lease.apply(document({}), 0)
    const at = (round: number) => lease.budget(round * 100_000, 100_000)
    expect(at(BUDGET_HOLD_ROUNDS)).toMatchObject({ tokens: 1000, lentTokens: 50 })
    expect(at(BUDGET_HOLD_ROUNDS + 2)).toEqual({ tokens: 600, lentTokens: 0 })
    const values = Array.from({ length: 79 }, (_, round) => at(round).tokens)
    expect(values).toEqual([...values].sort((a, b) => b - a))
    expect(at(81)).toEqual({ tokens: 200, lentTokens: 0 })
  })
})

describe('BudgetMeter', () => {
  it('lets a step overdraw and has the next rounds pay it back', () => {
    const meter = new BudgetMeter(100)
    expect(meter.claim(0, 1000)).toBe(1)
    meter.charge(2500)
    expect(meter.claim(50, 1000)).toBe(0)
    expect(meter.claim(100, 1000)).toBe(0)
    expect(meter.claim(200, 1000)).toBe(0.5)
  })

  it('saves nothing that was not used', () => {
    const meter = new BudgetMeter(100)
    meter.claim(0, 1000)
    meter.charge(10)
    expect(meter.claim(5000, 1000)).toBe(1)
  })
})
