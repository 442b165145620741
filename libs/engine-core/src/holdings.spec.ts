import { describe, expect, it } from 'vitest'
import {
  bundleTokens,
  commandedIn,
  EngineUnderTest,
  ofKind,
  sentIn,
  type Work,
} from './testing/engine-under-test.js'

type Holding = Partial<Work> & { readonly bundles: number }

/** An engine of which each sequence holds so many full bundles: it has run their first step. */
function holding(...works: Holding[]): EngineUnderTest {
  return hold(new EngineUnderTest(), works)
}

/** One that copies what it stops to host memory. */
function swapping(...works: Holding[]): EngineUnderTest {
  return hold(new EngineUnderTest({}, { preemption: 'swap' }), works)
}

function hold(engine: EngineUnderTest, works: readonly Holding[]): EngineUnderTest {
  engine.join()
  for (const { bundles, ...work } of works)
    engine.submit({ promptTokens: bundles * bundleTokens - 20, outputTokens: 15, ...work })
  engine.run(1)
  return engine
}

function unmapped(effects: Parameters<typeof commandedIn>[0]): number {
  return commandedIn(effects, 'unmap').reduce((sum, { bundles }) => sum + bundles.length, 0)
}

describe('a document', () => {
  it('of an older epoch or sequence, or for another incarnation, changes nothing', () => {
    const engine = holding({ bundles: 4 })
    engine.document({ epoch: 3, sequence: 7 })
    for (const stale of [
      { epoch: 2, sequence: 99 },
      { epoch: 3, sequence: 7 },
      { epoch: 3, sequence: 6 },
      { epoch: 4, sequence: 1, incarnation: 2 },
    ])
      expect(engine.document({ ...stale, leaseBundles: 0, limitBundles: 1, member: false })).toEqual([])
    expect(engine.machine.lease.bundles(engine.now)).toBe(32)
    expect(engine.run()).toBe(14)
  })

  it('for another engine is a fault of the driver', () => {
    const engine = holding()
    expect(() => engine.document({ engine: 'b' })).toThrow('document of b reached a')
  })
})

describe('a smaller lease', () => {
  it('takes free bundles at once and says so at once', () => {
    const engine = holding({ bundles: 4 })
    engine.run()
    const mapped = engine.pool.bundles
    expect(mapped).toBeGreaterThanOrEqual(4)
    engine.advanceTo(500_000)
    const effects = engine.document({ leaseBundles: 1 })
    expect(unmapped(effects)).toBe(mapped - 1)
    expect(sentIn(effects, 'heartbeat')).toMatchObject([{ held: 1, inUse: 0 }])
  })

  it('is said again while the owner asks for it: what was said under an older document did not count', () => {
    const engine = holding({ bundles: 4 })
    engine.run()
    const order = { request: 'b/1/1', bundles: 3 }
    engine.document({ leaseBundles: 1, reclaims: [order] })
    const again = engine.document({ leaseBundles: 1, reclaims: [order] })
    expect(sentIn(again, 'heartbeat')).toMatchObject([{ held: 1 }])
    expect(sentIn(engine.document({ leaseBundles: 1 }), 'heartbeat')).toEqual([])
  })

  it('takes those in use at the step boundary, and from no sequence that the order protects', () => {
    const engine = holding(
      { bundles: 3, priority: 1 },
      { bundles: 3, priority: 5 },
      { bundles: 3, priority: 1 },
    )
    engine.advanceTo(500_000)
    engine.startStep()
    const order = { request: 'b/1/1', bundles: 5, victimsBelow: 5 }
    expect(unmapped(engine.document({ leaseBundles: 4, reclaims: [order] }))).toBe(0)
    const effects = engine.endStep()
    expect(ofKind(effects, 'preempted')).toEqual([
      { kind: 'preempted', slots: [0, 2], cause: { kind: 'reclaim', request: 'b/1/1' } },
    ])
    expect(unmapped(effects)).toBe(5)
    expect(sentIn(effects, 'heartbeat')).toMatchObject([{ held: 4, lowestPriority: 5 }])
  })

  it('stops nobody without an order that allows it', () => {
    const engine = holding({ bundles: 3, priority: 5 })
    for (const reclaims of [
      [],
      [{ request: 'b/1/1', bundles: 2, victimsBelow: 5 }],
      [{ request: '', bundles: 2 }],
    ]) {
      const effects = engine.document({ leaseBundles: 1, reclaims })
      expect(ofKind(effects, 'preempted')).toEqual([])
    }
    expect(engine.pool.bundles).toBe(3)
  })

  it('stops whom it likes for an order that allows any victim, when no step runs', () => {
    const engine = new EngineUnderTest()
    engine.join({ budget: { round: 1, tokens: 10, lentTokens: 0, floor: 10 } })
    engine.submit({ promptTokens: 100, outputTokens: 9, priority: 7 })
    engine.run(1)
    const reclaims = [{ request: 'b/1/1', bundles: 2, victimsBelow: null }]
    const effects = engine.document({ leaseBundles: 0, reclaims })
    expect(ofKind(effects, 'preempted')).toMatchObject([{ slots: [0] }])
    expect(engine.pool.bundles).toBe(0)
  })

  it('stops for the order that protects more first, so that the other one takes what only it may', () => {
    const engine = holding({ bundles: 3, priority: 1 }, { bundles: 3, priority: 5 })
    const effects = engine.document({
      leaseBundles: 0,
      reclaims: [
        { request: 'b/1/1', bundles: 3, victimsBelow: null },
        { request: 'c/1/1', bundles: 3, victimsBelow: 5 },
      ],
    })
    expect(ofKind(effects, 'preempted')).toEqual([
      { kind: 'preempted', slots: [0], cause: { kind: 'reclaim', request: 'c/1/1' } },
      { kind: 'preempted', slots: [1], cause: { kind: 'reclaim', request: 'b/1/1' } },
    ])
  })

  it('stops no more work for an order than was asked for it, though documents repeat it and something else is owed as well', () => {
    const engine = holding({ bundles: 3, priority: 5 }, { bundles: 3, priority: 5 })
    const reclaims = [
      { request: 'c/1/1', bundles: 3, victimsBelow: 5 },
      { request: 'b/1/1', bundles: 3, victimsBelow: null },
    ]
    engine.document({ leaseBundles: 0, reclaims })
    expect(engine.pool.bundles).toBe(3)
    // The owner has not read of the release, or has booked it to the other order.
    engine.document({ leaseBundles: 0, reclaims })
    engine.document({ leaseBundles: 0, reclaims: [{ request: 'b/1/1', bundles: 3, victimsBelow: null }] })
    expect(engine.pool.bundles).toBe(3)
    expect(engine.machine.scheduler.runningSlots()).toHaveLength(1)
  })

  it('takes all that a victim held, though its order wanted less', () => {
    const engine = holding({ bundles: 3, priority: 1 }, { bundles: 3, priority: 5 })
    engine.startStep()
    engine.document({ leaseBundles: 2, reclaims: [{ request: 'b/1/1', bundles: 1, victimsBelow: 5 }] })
    engine.endStep()
    expect(engine.machine.scheduler.runningSlots()).toEqual([1])
    expect(engine.pool.freeBundles).toBe(0)
  })

  it('takes what an engine frees that had to stop its only sequence, though it runs no step', () => {
    const engine = new EngineUnderTest()
    engine.join({ leaseBundles: 2 })
    engine.submit({ promptTokens: 2 * bundleTokens - 2, outputTokens: 15 })
    engine.run(1)
    engine.document({ leaseBundles: 1 })
    expect(engine.pool.bundles).toBe(2)
    engine.run()
    expect(ofKind(engine.log, 'preempted')).toMatchObject([{ slots: [0], cause: { kind: 'own' } }])
    expect(engine.pool.bundles).toBe(1)
  })

  it('takes what an aborted sequence leaves, without waiting for a step', () => {
    const engine = holding({ bundles: 3 })
    engine.advanceTo(500_000)
    engine.document({ leaseBundles: 1 })
    const effects = engine.give({ kind: 'abort', slot: 0 })
    expect(unmapped(effects)).toBe(2)
    expect(sentIn(effects, 'heartbeat')).toMatchObject([{ held: 1 }])
  })

  it('that comes while bundles are being mapped takes them back unused', () => {
    const engine = new EngineUnderTest()
    engine.join()
    engine.submit({ promptTokens: 4 * bundleTokens, outputTokens: 5 })
    expect(commandedIn(engine.give({ kind: 'turn', engine: 'a' }), 'map')).toMatchObject([{ bundles: 4 }])
    engine.document({ leaseBundles: 1 })
    const effects = engine.give({ kind: 'mapped', engine: 'a', bundles: [0, 1, 2, 3] })
    expect(unmapped(effects)).toBe(3)
    expect(commandedIn(effects, 'execute')).toEqual([])
    expect(engine.pool.bundles).toBe(1)
  })
})

describe('a lease that is over', () => {
  it('leaves the guarantee, with which the engine goes on', () => {
    const engine = holding({ bundles: 3 }, { bundles: 3 })
    // The document answered the heartbeat that was sent at time 0, and the lease is of 8 s.
    engine.advanceTo(8_000_000)
    expect(ofKind(engine.log, 'preempted')).toMatchObject([{ cause: { kind: 'lease_expired' } }])
    expect(engine.pool.bundles).toBeLessThanOrEqual(4)
    engine.run()
    expect(engine.pool.bundles).toBeLessThanOrEqual(4)
    expect(ofKind(engine.log, 'ended')).toEqual([])
    expect(engine.machine.scheduler.unfinishedCount).toBe(0)
  })

  it('is acted upon at the end of the step that it interrupts', () => {
    const engine = holding({ bundles: 3 }, { bundles: 3 })
    engine.startStep()
    engine.advanceTo(8_000_000)
    expect(engine.pool.bundles).toBe(6)
    const effects = engine.endStep()
    expect(ofKind(effects, 'preempted')).toMatchObject([{ cause: { kind: 'lease_expired' } }])
    expect(engine.pool.bundles).toBeLessThanOrEqual(4)
  })

  it('asks for one wake-up, not for ever more', () => {
    const engine = holding({ bundles: 3 })
    engine.advanceTo(20_000_000)
    expect(engine.machine.nextDeadline()).toBeGreaterThan(20_000_000)
  })

  it('comes back with the answer to a newer heartbeat', () => {
    const engine = holding({ bundles: 3 })
    engine.advanceTo(9_000_000)
    expect(engine.machine.lease.bundles(engine.now)).toBe(4)
    engine.document()
    expect(engine.machine.lease.bundles(engine.now)).toBe(32)
  })
})

describe('an engine whose pool has one free list', () => {
  it('keeps a few idle bundles while it works and none when it has no work', () => {
    const engine = new EngineUnderTest({ returnsIdle: true })
    engine.join()
    engine.submit({ promptTokens: 12 * bundleTokens, outputTokens: 1 })
    engine.submit({ promptTokens: 10, outputTokens: 2 })
    engine.run(1)
    expect(engine.pool.bundles).toBe(9)
    engine.run()
    expect(engine.pool.bundles).toBe(0)
    expect(engine.free).toHaveLength(64)
  })
})

describe('an engine that swaps', () => {
  const order = { request: 'b/1/1', bundles: 3, victimsBelow: 5 }

  it('has a bundle unmapped when nothing copies from it any more, and counts it as held until then', () => {
    const engine = swapping({ bundles: 3, priority: 1 }, { bundles: 3, priority: 5 })
    const effects = engine.document({ leaseBundles: 3, reclaims: [order] })
    const [{ copy, copies }] = commandedIn(effects, 'copy')
    expect(copies).toMatchObject({ outCount: 11, inCount: 0 })
    // The third one holds blocks of both sequences.
    expect([unmapped(effects), engine.pool.bundles]).toEqual([0, 4])
    engine.advanceTo(engine.now + 500_000)
    expect(sentIn(engine.log, 'heartbeat').at(-1)).toMatchObject({ held: 6, inUse: 6 })
    const after = engine.give({ kind: 'copied', engine: 'a', copy })
    expect(unmapped(after)).toBe(2)
    expect(sentIn(after, 'heartbeat')).toMatchObject([{ held: 4, inUse: 4 }])
    expect(engine.machine.scheduler.sequence(0)).toMatchObject({ state: 'swapped', lostTokens: 0 })
  })

  it('drops what could not be copied within half the grace', () => {
    const engine = swapping({ bundles: 3, priority: 1 }, { bundles: 3, priority: 1 })
    const graceUs = 11_000
    const hasty = hold(new EngineUnderTest({ graceUs }, { preemption: 'swap' }), [
      { bundles: 3, priority: 1 },
      { bundles: 3, priority: 1 },
    ])
    const all = { leaseBundles: 0, reclaims: [{ ...order, bundles: 6 }] }
    expect(commandedIn(engine.document(all), 'copy')).toMatchObject([{ copies: { outCount: 22 } }])
    // 11 blocks take 5.5 ms to copy out.
    expect(commandedIn(hasty.document(all), 'copy')).toMatchObject([{ copies: { outCount: 11 } }])
  })

  it('gives up what it is copying when its lease is over: nothing may read there any more', () => {
    const engine = swapping({ bundles: 3, priority: 1 }, { bundles: 3, priority: 5 })
    engine.document({ leaseBundles: 3, guaranteeBundles: 3, reclaims: [order] })
    expect(engine.machine.scheduler.sequence(0).state).toBe('swapped')
    const before = engine.log.length
    engine.advanceTo(9_000_000)
    expect(unmapped(engine.log.slice(before))).toBe(3)
    expect(engine.machine.scheduler.sequence(0)).toMatchObject({ state: 'waiting', swappedTokens: 0 })
  })

  it('copies nothing of what it stops because its lease is over', () => {
    const engine = swapping({ bundles: 3 }, { bundles: 3 })
    engine.advanceTo(9_000_000)
    expect(ofKind(engine.log, 'preempted')).toMatchObject([{ cause: { kind: 'lease_expired' } }])
    expect(engine.commanded('copy')).toEqual([])
  })
})
