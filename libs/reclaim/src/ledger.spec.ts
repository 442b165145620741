import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { Ledger } from './ledger.js'
import type { LedgerAnswer } from './ledger-data.js'

function done(answer: LedgerAnswer): number {
  if (answer.kind === 'refused') throw new Error(`refused: ${answer.reason}, ${answer.available} available`)
  return answer.bundles
}

describe('Ledger', () => {
  it('takes a preemption through debit, arrival and settlement', () => {
    const ledger = new Ledger(100)
    done(ledger.grant('a', 90))
    done(ledger.reserve('b', 'r1', 10))
    done(ledger.debit({ donor: 'a', to: 'b', request: 'r1', bundles: 20 }))
    expect(ledger.totals).toEqual({ free: 0, leased: 70, reclaiming: 20, reserved: 10, quarantined: 0 })
    expect([ledger.incomingTo('b'), ledger.owedBy('a')]).toEqual([30, 20])

    done(ledger.arrive({ donor: 'a', request: 'r1', bundles: 15 }))
    expect(ledger.requestOf('r1')).toEqual({ to: 'b', reserved: 25, debits: [{ engine: 'a', bundles: 5 }] })
    expect(done(ledger.settle('r1'))).toBe(25)
    done(ledger.arrive({ donor: 'a', request: 'r1', bundles: 5 }))
    expect(done(ledger.settle('r1'))).toBe(5)
    expect([ledger.leasedTo('a'), ledger.leasedTo('b'), ledger.requestOf('r1')]).toEqual([70, 30, null])
  })

  it('returns debits to their donors and reservations to the pool when a request fails', () => {
    const ledger = new Ledger(50)
    done(ledger.grant('a', 40))
    done(ledger.debit({ donor: 'a', to: 'b', request: 'r', bundles: 12 }))
    done(ledger.arrive({ donor: 'a', request: 'r', bundles: 4 }))
    expect(done(ledger.refund('r'))).toBe(12)
    expect([ledger.free, ledger.leasedTo('a')]).toEqual([14, 36])
  })

  it('refuses what is not there, says how much is, and changes nothing', () => {
    const ledger = new Ledger(10)
    done(ledger.grant('a', 6))
    done(ledger.debit({ donor: 'a', to: 'b', request: 'r', bundles: 2 }))
    const before = ledger.snapshot()
    expect(ledger.grant('b', 5)).toEqual({ kind: 'refused', reason: 'not_enough_free', available: 4 })
    expect(ledger.release('a', 5)).toEqual({ kind: 'refused', reason: 'not_enough_leased', available: 4 })
    expect(ledger.debit({ donor: 'a', to: 'c', request: 'r', bundles: 1 })).toMatchObject({
      reason: 'other_requester',
    })
    expect(ledger.reserve('c', 'r', 1)).toMatchObject({ reason: 'other_requester' })
    expect(ledger.arrive({ donor: 'a', request: 'r', bundles: 3 })).toMatchObject({
      reason: 'not_enough_owed',
      available: 2,
    })
    expect(ledger.arrive({ donor: 'a', request: 'x', bundles: 1 })).toMatchObject({
      reason: 'unknown_request',
    })
    expect(ledger.settle('x')).toMatchObject({ reason: 'unknown_request' })
    expect(ledger.refund('x')).toMatchObject({ reason: 'unknown_request' })
    expect(ledger.expire('a', 1)).toMatchObject({ reason: 'not_enough_quarantined' })
    expect(ledger.snapshot()).toEqual(before)
  })

  it('quarantines what a silent engine holds or owes until it is certain, or given back to it', () => {
    const ledger = new Ledger(20)
    done(ledger.grant('a', 10))
    done(ledger.debit({ donor: 'a', to: 'b', request: 'r', bundles: 4 }))
    expect(done(ledger.drop('a'))).toBe(10)
    expect(ledger.requestOf('r')).toBeNull()
    expect(ledger.quarantinedOf('a')).toBe(10)
    done(ledger.reinstate('a', 3))
    done(ledger.expire('a', 7))
    expect(ledger.totals).toMatchObject({ free: 17, leased: 3, quarantined: 0 })
  })

  it('holds for the requester what a leaving donor owed, and refunds what a leaving requester waited for', () => {
    const ledger = new Ledger(20)
    done(ledger.grant('a', 10))
    done(ledger.grant('c', 5))
    done(ledger.debit({ donor: 'a', to: 'b', request: 'r', bundles: 4 }))
    done(ledger.debit({ donor: 'c', to: 'a', request: 's', bundles: 5 }))
    done(ledger.leave('a'))
    expect(ledger.requestOf('r')).toEqual({ to: 'b', reserved: 4, debits: [] })
    expect(ledger.requestOf('s')).toBeNull()
    expect(ledger.totals).toEqual({ free: 11, leased: 5, reclaiming: 0, reserved: 4, quarantined: 0 })
  })

  it('fails loudly on a snapshot that does not add up', () => {
    expect(() =>
      Ledger.restore({ total: 5, leased: [{ engine: 'a', bundles: 6 }], quarantined: [], requests: [] }),
    ).toThrow(/-1 free/)
  })

  const seed = 77
  it(`adds up after any sequence of operations, and a restored copy goes on alike, seed ${seed}`, () => {
    for (let run = 0; run < 60; run++) {
      const rng = new SeededRng(seed, `ledger ${run}`)
      let ledger = new Ledger(rng.int(200))
      for (let step = 0; step < 400; step++) {
        const before = JSON.stringify(ledger.snapshot())
        const answer = operate(ledger, rng)
        ledger.audit()
        const after = ledger.snapshot()
        if (answer.kind === 'refused') expect(JSON.stringify(after), `run ${run}, step ${step}`).toBe(before)
        if (rng.int(10) === 0) {
          ledger = Ledger.restore(after)
          expect(ledger.snapshot()).toEqual(after)
        }
      }
    }
  })
})

/** One random operation; requests are made by the engine of the same number, so some are refused. */
function operate(ledger: Ledger, rng: SeededRng): LedgerAnswer {
  const engines = ['a', 'b', 'c', 'd']
  const engine = engines[rng.int(4)]
  const to = engines[rng.int(4)]
  const donor = to === 'a' ? 'b' : engine === to ? 'a' : engine
  const request = rng.int(8) === 0 ? 'stray' : `${to}/${rng.int(3)}`
  const bundles = rng.int(30)
  switch (rng.int(13)) {
    case 0:
    case 1:
      return ledger.grant(engine, bundles)
    case 2:
      return ledger.release(engine, bundles)
    case 3:
    case 4:
    case 5:
      return ledger.debit({ donor, to, request, bundles })
    case 6:
      return ledger.arrive({ donor, request, bundles })
    case 7:
      return ledger.settle(request)
    case 8:
      return ledger.refund(request)
    case 9:
      return ledger.quarantine(engine, bundles)
    case 10:
      return rng.int(2) === 0 ? ledger.expire(engine, bundles) : ledger.reinstate(engine, bundles)
    case 11:
      return ledger.reserve(to, request, bundles)
    default:
      return rng.int(4) === 0
        ? ledger.drop(engine)
        : rng.int(4) === 0
          ? ledger.leave(engine)
          : ledger.grant(engine, 1)
  }
}
