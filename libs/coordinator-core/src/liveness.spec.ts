import { describe, expect, it } from 'vitest'
import { certainExpiryUs, livenessOf } from './liveness.js'
import { BUSY, contended } from './testing/contended.js'
import type { PoolWorld } from './testing/pool-world.js'

/** Rounds in which only `b` is heard. */
function silenceOf(world: PoolWorld, us: number): void {
  for (let passed = 0; passed < us; passed += 100_000) {
    world.pass(100_000)
    world.beat('b', { inUse: 20, bundles: 60, tokens: 5_000 })
  }
}

describe('an engine that is not heard', () => {
  it('is suspect after three heartbeats, silent after half a lease, gone when every lease has run out', () => {
    const at = (silentUs: number) => livenessOf(silentUs, 300_000, 8_000_000)
    expect(
      [900_000, 900_001, 4_000_001, certainExpiryUs(8_000_000), certainExpiryUs(8_000_000) + 1].map(at),
    ).toEqual(['live', 'suspect', 'silent', 'silent', 'gone'])
    // 8 s, 2 % of drift, 60 ms of slack.
    expect(certainExpiryUs(8_000_000)).toBe(8_220_000)
  })

  it('is no donor and gets nothing more while it is suspect, and keeps what it has', () => {
    const world = contended({ settings: { reserveShare: 0.5 } })
    world.beat('a', { inUse: 50, bundles: 100, tokens: 100, held: 80 })
    silenceOf(world, 1_100_000)
    expect(world.pool.members[0].liveness).toBe('suspect')
    world.request('b', { bundles: 10, priority: 9 })
    expect(world.outcomes('b')).toMatchObject([{ kind: 'denied' }])
    const { leaseBundles } = world.document('a')
    world.request('b', { bundles: 1, priority: 9 })
    world.leave('b')
    world.pass(200_000)
    expect([world.pool.ledger.leasedTo('a'), world.pool.ledger.free]).toEqual([
      leaseBundles,
      100 - leaseBundles,
    ])
  })

  it('is asked for all above its guarantee when it is silent, and charged the floor it will take', () => {
    const world = contended({ terms: { a: { guarantee: 0.3 } } })
    world.beat('a', { ...BUSY, tokens: 5_000 })
    silenceOf(world, 200_000)
    const { floorTokens } = world.pool.members[0]
    expect(floorTokens).toBe(300)
    silenceOf(world, 4_000_000)
    expect(world.pool.members[0].liveness).toBe('silent')
    expect(world.document('a')).toMatchObject({
      leaseBundles: 30,
      reclaims: [{ request: '', bundles: 50, victimsBelow: null }],
      budget: { tokens: 300, lentTokens: 0, floor: 300 },
    })
    const [round] = world.rounds.slice(-1)
    expect(round.shares.map((share) => share.tokens)).toEqual([300, 700])
    // Nothing of it is anybody else's yet.
    expect(world.pool.ledger.totals).toMatchObject({ reclaiming: 50, free: 0 })
  })

  it('keeps what it has not released when it is heard again', () => {
    const world = contended()
    silenceOf(world, 4_200_000)
    expect(world.pool.ledger.totals.reclaiming).toBe(80)
    world.beat('a', { ...BUSY, held: 70 })
    expect(world.pool.members[0].liveness).toBe('live')
    expect(world.pool.ledger.leasedTo('a')).toBe(70)
    expect(world.document('a')).toMatchObject({ member: true, leaseBundles: 70, reclaims: [] })
  })

  it('is dismissed when it is gone: by then no lease of it is left, and its bundles are free as soon as the device can have heard it', () => {
    const world = contended()
    silenceOf(world, 8_200_000)
    expect(world.evicted).toEqual([])
    silenceOf(world, 200_000)
    expect([world.evicted, world.pool.members.length]).toEqual([['a'], 1])
    expect(world.pool.ledger.quarantinedOf('a')).toBe(80)
    silenceOf(world, 1_000_000)
    expect(world.pool.ledger.totals.quarantined).toBe(0)
    expect(world.lease('b')).toBe(100)
  })

  it('leaves its bundles in quarantine when it restarts, each time until its own last lease has run out', () => {
    const world = contended()
    silenceOf(world, 500_000)
    world.join('a', { incarnation: 2 })
    expect(world.pool.ledger.totals).toMatchObject({ quarantined: 80, reclaiming: 0, reserved: 0 })
    world.beat('b', { inUse: 2, tokens: 100 })
    world.beat('a', { bundles: 10, tokens: 100 })
    world.pass(100_000)
    world.beat('b', { inUse: 2, tokens: 100 })
    world.pass(100_000)
    world.beat('b', { inUse: 2, tokens: 100 })
    const second = world.pool.ledger.leasedTo('a')
    expect(second).toBeGreaterThan(0)
    world.join('a', { incarnation: 3 })
    expect(world.pool.ledger.quarantinedOf('a')).toBe(80 + second)
    silenceOf(world, 7_600_000)
    expect(world.pool.ledger.quarantinedOf('a')).toBe(second)
    silenceOf(world, 1_900_000)
    expect(world.pool.ledger.quarantinedOf('a')).toBe(0)
  })
})
