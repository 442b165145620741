import { describe, expect, it } from 'vitest'
import { BUSY, contended, contendedAfterReplan } from './testing/contended.js'
import { PoolWorld } from './testing/pool-world.js'

const leases = (world: PoolWorld) => [world.pool.ledger.leasedTo('a'), world.pool.ledger.leasedTo('b')]

/** Rounds in which `a` reports on time and holds what it is told to hold, or `held`. */
function reportFor(world: PoolWorld, us: number, held?: number): void {
  for (let passed = 0; passed < us; passed += 100_000) {
    world.pass(100_000)
    world.beat('a', held === undefined ? BUSY : { ...BUSY, held })
    world.beat('b', { inUse: 20, tokens: 100 })
  }
}

describe('a request for memory', () => {
  it('is granted from what is free in one step', () => {
    const world = contended({ settings: { reserveShare: 0.4 } })
    reportFor(world, 300_000)
    world.leave('a')
    const id = 'b/1/2'
    world.request('b', { bundles: 5 })
    expect(world.outcomes('b')).toEqual([{ kind: 'granted', id, bundles: 5 }])
    expect(world.decisions).toMatchObject([{ id, outcome: 'granted', granted: 5, donations: [] }])
  })

  it('is granted from what others do not use once they have said that they gave it up, with nobody stopped', () => {
    const world = contendedAfterReplan()
    world.beat('a', { ...BUSY, inUse: 50 })
    world.request('b', { bundles: 10 })
    expect(world.document('a')).toMatchObject({
      leaseBundles: 70,
      reclaims: [{ request: 'b/1/2', bundles: 10 }],
    })
    expect(world.document('a').reclaims[0].victimsBelow).toBeUndefined()
    expect(world.outcomes('b')).toEqual([])
    world.beat('a', { ...BUSY, inUse: 50 })
    expect(world.outcomes('b')).toEqual([{ kind: 'granted', id: 'b/1/2', bundles: 10 }])
    expect([leases(world), world.document('a').reclaims]).toEqual([[70, 30], []])
  })

  it('does not count a release that was reported before the order was read', () => {
    const world = contendedAfterReplan()
    world.beat('a', { ...BUSY, inUse: 50 })
    const before = world.heartbeatOf('a', { ...BUSY, inUse: 50, held: 60 })
    world.request('b', { bundles: 10 })
    world.send(before)
    expect([world.outcomes('b'), world.pool.ledger.totals.reclaiming]).toEqual([[], 10])
  })

  it('takes from work above its share by entitlement, whoever runs there', () => {
    const world = contended({ settings: { movePerRound: 1 } })
    world.beat('b', { inUse: 20, bundles: 50, tokens: 100 })
    world.pass(100_000)
    world.request('b', { bundles: 20 })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/2', bundles: 20, victimsBelow: null }])
    expect(world.decisions).toMatchObject([
      { outcome: 'planned', donations: [{ engine: 'a', class: 'entitlement' }] },
    ])
  })

  it('takes no more from work in one round than shares may move: in part, or not yet', () => {
    const world = contended({ settings: { movePerRound: 0.1 } })
    world.beat('b', { inUse: 20, bundles: 50, tokens: 100 })
    world.pass(100_000)
    world.request('b', { bundles: 20 })
    expect(world.outcomes('b')).toEqual([{ kind: 'denied', id: 'b/1/2', reason: 'cooldown' }])
    world.request('b', { bundles: 20, minBundles: 5 })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/3', bundles: 10, victimsBelow: null }])
    world.request('b', { bundles: 5 })
    expect(world.outcomes('b')).toContainEqual({ kind: 'denied', id: 'b/1/4', reason: 'cooldown' })
    world.beat('a', BUSY)
    world.pass(100_000)
    world.request('b', { bundles: 5 })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/5', bundles: 5, victimsBelow: null }])
  })

  it('returns a guarantee on demand, also from a donor that keeps within its share and the dead zone around it', () => {
    const asking = (guarantee: number) => {
      const world = contended({
        settings: { movePerRound: 1 },
        terms: { a: { weight: 9 }, b: { guarantee } },
      })
      world.beat('b', { inUse: 20, bundles: 30, tokens: 100 })
      world.pass(100_000)
      world.request('b', { bundles: 10 })
      return world
    }
    expect(asking(0.3).document('a').reclaims).toEqual([
      { request: 'b/1/2', bundles: 10, victimsBelow: null },
    ])
    expect(asking(0).outcomes('b')).toMatchObject([{ kind: 'denied' }])
  })

  it('returns a guarantee also from a donor that has not said what its work costs', () => {
    const world = contended({ settings: { movePerRound: 1 }, terms: { b: { guarantee: 0.3 } } })
    world.beat('a', { ...BUSY, supply: [] })
    world.beat('b', { inUse: 20, bundles: 30, tokens: 100 })
    world.pass(100_000)
    world.request('b', { bundles: 15 })
    expect(world.outcomes('b')).toEqual([{ kind: 'denied', id: 'b/1/2', reason: 'no_lower_priority' }])
    world.request('b', { bundles: 10 })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/3', bundles: 10, victimsBelow: null }])
  })

  it('takes from lower work by priority, and says below which', () => {
    const world = contended()
    world.request('b', { bundles: 20, priority: 5, class: 'priority' })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/2', bundles: 20, victimsBelow: 5 }])
    const equal = contended()
    equal.request('b', { bundles: 20, priority: 0, class: 'priority' })
    expect(equal.outcomes('b')).toEqual([{ kind: 'denied', id: 'b/1/2', reason: 'no_lower_priority' }])
    expect(equal.document('a').reclaims).toEqual([])
  })

  it('is granted in part when the grace is over and enough has come', () => {
    const world = contended()
    world.request('b', { bundles: 20, minBundles: 5, priority: 5 })
    world.beat('a', { ...BUSY, held: 72 })
    reportFor(world, 1_000_000, 72)
    expect(world.outcomes('b')).toEqual([])
    expect(world.decisions[1]).toMatchObject({
      outcome: 'granted_partial',
      granted: 8,
      atUs: world.decisions[0].atUs + 1_000_000,
    })
    expect([leases(world), world.pool.ledger.totals.reserved]).toEqual([[72, 28], 0])
  })

  it('is planned once more when its donors do not release, then denied, and everything goes back', () => {
    const world = contended()
    world.request('b', { bundles: 20, priority: 5 })
    world.beat('a', { ...BUSY, held: 75 })
    reportFor(world, 2_100_000, 75)
    const start = world.decisions[0].atUs
    expect(world.decisions.map(({ outcome, reason, atUs }) => [outcome, reason, atUs - start])).toEqual([
      ['planned', null, 0],
      ['planned', null, 1_000_000],
      ['denied', 'deadline', 2_000_000],
    ])
    expect(world.pool.ledger.totals).toMatchObject({ reclaiming: 0, reserved: 0 })
    expect(leases(world)[0] + leases(world)[1] + world.pool.ledger.free).toBe(100)
    expect(world.document('a').reclaims.filter((order) => order.request !== '')).toEqual([])
  })

  it('ends when it is withdrawn, and gives back what it had', () => {
    const world = contended()
    world.request('b', { bundles: 20, priority: 5 })
    world.cancel('a', 'b/1/2')
    expect(world.document('a').reclaims).toHaveLength(1)
    world.cancel('b', 'b/1/2')
    expect(world.outcomes('b')).toEqual([{ kind: 'expired', id: 'b/1/2', reason: 'cancelled' }])
    expect([leases(world), world.document('a').reclaims]).toEqual([[80, 20], []])
  })

  it('ends when its engine leaves', () => {
    const world = contended()
    world.request('b', { bundles: 20, priority: 5 })
    world.leave('b')
    expect(world.decisions[1]).toMatchObject({
      outcome: 'expired',
      reason: 'cancelled',
      explanation: 'b left',
    })
    expect(world.pool.ledger.totals).toMatchObject({ reclaiming: 0, reserved: 0 })
  })

  it('gets what a leaving donor owes at once', () => {
    const world = contended()
    world.request('b', { bundles: 20, priority: 5 })
    world.leave('a')
    expect(world.outcomes('b')).toEqual([{ kind: 'granted', id: 'b/1/2', bundles: 20 }])
  })

  it('is planned anew at once when its only donor vanishes, whose bundles nobody gets', () => {
    const world = contended()
    world.request('b', { bundles: 20, minBundles: 10, priority: 5 })
    world.join('a', { incarnation: 2 })
    expect(world.outcomes('b')).toEqual([{ kind: 'denied', id: 'b/1/2', reason: 'deadline' }])
    expect([world.pool.ledger.quarantinedOf('a'), world.evicted]).toEqual([80, ['a']])
    world.beat('b', { inUse: 20 })
    expect(world.decisions).toHaveLength(2)
  })

  it('is never granted below its minimum, though nothing is owed any more', () => {
    const world = contended({ bundles: 110, terms: { c: { limit: 0.1 } } })
    world.join('c')
    world.beat('a', { ...BUSY, held: 80 })
    world.pass(100_000)
    world.beat('c', { inUse: 5, tokens: 1, supply: [{ priority: 0, bundles: 5, costUs: 1 }] })
    world.request('b', { bundles: 24, priority: 5 })
    const donors = world.decisions[0].donations.map((donation) => donation.engine)
    expect(donors).toContain('a')
    world.join('a', { incarnation: 2 })
    for (const engine of donors) if (engine !== 'a') world.beat(engine)
    const end = world.decisions.find((decision) => decision.outcome !== 'planned')
    expect(end).toMatchObject({ id: 'b/1/2', outcome: 'denied', reason: 'deadline' })
  })

  it('keeps its answer: a repeated id gets the same, an open one is ignored, another engine cannot use it', () => {
    const world = contendedAfterReplan()
    world.beat('a', { ...BUSY, inUse: 50 })
    world.request('b', { bundles: 10, id: 'once' })
    world.request('b', { bundles: 10, id: 'once' })
    world.request('a', { bundles: 1, id: 'once' })
    expect(world.decisions).toHaveLength(1)
    world.beat('a', { ...BUSY, inUse: 50 })
    const answer = { kind: 'granted', id: 'once', bundles: 10 }
    expect(world.outcomes('b')).toEqual([answer])
    world.beat('b', { inUse: 30 })
    expect(world.outcomes('b')).toEqual([])
    world.request('b', { bundles: 3, id: 'once' })
    expect(world.outcomes('b')).toEqual([answer])
    world.request('a', { bundles: 1, id: 'once' })
    expect([world.outcomes('a'), world.decisions.length, leases(world)]).toEqual([[], 2, [70, 30]])
  })

  it('waits no longer for what was unused when it was asked for and is in use after all', () => {
    const world = contendedAfterReplan()
    world.beat('a', { ...BUSY, inUse: 50 })
    world.request('b', { bundles: 10 })
    expect(world.document('a').reclaims).toEqual([{ request: 'b/1/2', bundles: 10 }])
    world.beat('a', { ...BUSY, held: 80, inUse: 80, supply: [] })
    expect(world.outcomes('b')).toMatchObject([{ kind: 'denied', id: 'b/1/2' }])
    expect([world.document('a').reclaims, leases(world)]).toEqual([[], [80, 20]])
  })

  it('is not taken back before heartbeats could show what the grant is used for', () => {
    const world = contended()
    world.beat('a', { ...BUSY, inUse: 50 })
    world.request('b', { bundles: 10 })
    world.beat('a', { ...BUSY, inUse: 50 })
    world.beat('b', { inUse: 20, bundles: 30 })
    world.beat('a', { ...BUSY, inUse: 70, bundles: 90 })
    world.request('a', { bundles: 5 })
    world.pass(100_000)
    expect([world.document('b').reclaims, leases(world)]).toEqual([[], [70, 30]])
    // It says itself that it needs it no more.
    world.beat('b', { inUse: 20 })
    world.pass(100_000)
    expect(world.document('b').reclaims).toEqual([{ request: '', bundles: 10 }])
    world.beat('b', { inUse: 20 })
    world.pass(100_000)
    expect(leases(world)).toEqual([80, 20])
  })
})

describe('a pool that is only observed', () => {
  it('plans what it would do, says no, and moves nothing', () => {
    const world = new PoolWorld({ settings: { observeOnly: true } })
    for (const engine of ['a', 'b', 'c', 'd']) world.join(engine)
    world.beat('a', { ...BUSY, inUse: 5 })
    world.beat('b', { inUse: 25, bundles: 60, tokens: 5_000 })
    const before = [world.pool.ledger.snapshot(), world.document('a').reclaims]
    world.request('b', { bundles: 10, priority: 5 })
    world.pass(300_000)
    expect(world.decisions.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['planned', null],
      ['denied', 'all_protected'],
    ])
    expect(world.decisions[0].donations).toMatchObject([{ engine: 'a', bundles: 10, class: 'unused' }])
    expect([world.pool.ledger.snapshot(), world.document('a').reclaims]).toEqual(before)
  })
})
