import { describe, expect, it } from 'vitest'
import { bundleTokens, EngineUnderTest, ofKind, sentIn } from './testing/engine-under-test.js'

/** In a pool with neighbours, with a lease of one bundle and a prompt of three: it has asked for the rest. */
function short(): EngineUnderTest {
  const engine = new EngineUnderTest()
  engine.join({ leaseBundles: 1, sharesPool: true })
  engine.submit({ promptTokens: 3 * bundleTokens, outputTokens: 5, priority: 4 })
  engine.run()
  return engine
}

/** Heartbeats repeat what is not processed: each id once. */
function asked(engine: EngineUnderTest): string[] {
  return [...new Set(engine.sent('request').map(({ id }) => id))]
}
const lease = { leaseBundles: 1, sharesPool: true }

describe('a request for memory', () => {
  it('says what the step lacked, for the priority that waits', () => {
    expect(short().sent('request')).toEqual([
      {
        kind: 'request',
        engine: 'a',
        incarnation: 1,
        number: 2,
        id: 'a/1/1',
        bundles: 2,
        minBundles: 2,
        priority: 4,
        class: 'auto',
        withinUs: 1_000_000,
      },
    ])
  })

  it('is not made by an engine that has its pool to itself, nor beyond the limit', () => {
    for (const change of [{ sharesPool: false }, { limitBundles: 1 }]) {
      const engine = new EngineUnderTest({}, { refuseImpossible: false })
      engine.join({ ...lease, ...change })
      engine.submit({ promptTokens: 3 * bundleTokens, outputTokens: 5 })
      engine.run()
      expect(engine.sent('request')).toEqual([])
    }
  })

  it('is made ahead of the growth of what runs, with the lowest priority of it', () => {
    // Two sequences take a block of 16 tokens in the 8 steps of the lead time: the last two blocks suffice until they are taken.
    const engine = new EngineUnderTest({ leadUs: 160_000 })
    engine.join({ leaseBundles: 2, sharesPool: true })
    for (const priority of [9, 3]) engine.submit({ promptTokens: 40, outputTokens: 60, priority })
    engine.run(9)
    expect(engine.sent('request')).toEqual([])
    engine.run(1)
    expect(engine.sent('request')).toMatchObject([{ minBundles: 1, priority: 3 }])
  })

  it('is the only one that is open', () => {
    const engine = short()
    engine.submit({ promptTokens: 2 * bundleTokens, outputTokens: 5, priority: 9 })
    engine.document(lease)
    engine.run()
    expect(engine.sent('request')).toHaveLength(1)
  })

  it('once granted lets the engine ask again at once', () => {
    const engine = short()
    const outcome = { kind: 'granted_partial', id: 'a/1/1', bundles: 1 } as const
    const effects = engine.document({ ...lease, leaseBundles: 2, outcomes: [outcome] })
    expect(ofKind(effects, 'outcome')).toEqual([{ kind: 'outcome', outcome }])
    engine.run()
    expect(engine.sent('request').map(({ id, bundles }) => [id, bundles])).toEqual([
      ['a/1/1', 2],
      ['a/1/2', 1],
    ])
  })

  it('once denied makes the engine wait for the back-off', () => {
    const engine = short()
    engine.advanceTo(100_000)
    const outcomes = [{ kind: 'denied', id: 'a/1/1', reason: 'no_lower_priority' }] as const
    engine.document({ ...lease, outcomes: [...outcomes] })
    for (const [at, requests] of [
      [100_000, 1],
      [2_099_999, 1],
      [2_100_000, 2],
    ]) {
      engine.advanceTo(at)
      engine.document({ ...lease, outcomes: [...outcomes] })
      engine.run()
      expect(asked(engine), `at ${at}`).toHaveLength(requests)
    }
  })

  it('is ended by its own outcome only', () => {
    const engine = short()
    const outcomes = [{ kind: 'granted', id: 'a/0/1', bundles: 2 } as const]
    expect(ofKind(engine.document({ ...lease, outcomes }), 'outcome')).toEqual([])
    engine.run()
    expect(engine.sent('request')).toHaveLength(1)
  })

  it('without an outcome is cancelled after twice the time it is of use, and not repeated before the back-off', () => {
    const engine = short()
    engine.advanceTo(1_999_999)
    expect(engine.sent('cancel')).toEqual([])
    engine.advanceTo(2_000_000)
    const cancel = { kind: 'cancel', engine: 'a', incarnation: 1, number: 3, id: 'a/1/1' }
    expect(new Set(engine.sent('cancel'))).toEqual(new Set([cancel]))
    engine.run()
    expect(asked(engine)).toEqual(['a/1/1'])
    // A late outcome concerns nobody any more.
    const late = engine.document({ ...lease, outcomes: [{ kind: 'granted', id: 'a/1/1', bundles: 2 }] })
    expect(ofKind(late, 'outcome')).toEqual([])
    engine.advanceTo(4_000_000)
    engine.run()
    expect(asked(engine)).toEqual(['a/1/1', 'a/1/2'])
  })
})

describe('the link to the owner', () => {
  it('repeats numbered messages after every heartbeat until they are processed', () => {
    const engine = short()
    const repeated = () => {
      const before = engine.log.length
      engine.advanceTo(engine.now + 500_000)
      const effects = engine.log.slice(before)
      expect(sentIn(effects, 'heartbeat')).toHaveLength(1)
      return [...sentIn(effects, 'join'), ...sentIn(effects, 'request')].map(({ number }) => number)
    }
    expect(repeated()).toEqual([1, 2])
    engine.document({ ...lease, processedThrough: 1 })
    expect(repeated()).toEqual([2])
    engine.document({ ...lease, processedThrough: 2 })
    expect(repeated()).toEqual([])
  })

  it('reports a surge of demand at once, but not more often than twice a round', () => {
    const engine = new EngineUnderTest()
    engine.join(lease)
    const beats = () => engine.sent('heartbeat').length
    engine.submit({ promptTokens: 100, outputTokens: 5 })
    expect(beats()).toBe(1)
    engine.advanceTo(50_000)
    engine.submit({ promptTokens: 100, outputTokens: 5 })
    expect(beats()).toBe(2)
    engine.advanceTo(100_000)
    engine.submit({ promptTokens: 10, outputTokens: 5 })
    expect(beats()).toBe(2)
    engine.submit({ promptTokens: 100, outputTokens: 5 })
    expect(beats()).toBe(3)
  })

  it('carries a supply curve only where it is wanted', () => {
    const engine = new EngineUnderTest()
    engine.join({ sharesPool: true })
    engine.submit({ promptTokens: 3 * bundleTokens - 20, outputTokens: 15, priority: 2 })
    engine.run(1)
    engine.advanceTo(500_000)
    expect(engine.sent('heartbeat').at(-1)?.supply).toEqual([])
    engine.document({ sharesPool: true, supplyWanted: true })
    engine.advanceTo(1_000_000)
    expect(engine.sent('heartbeat').at(-1)?.supply[0]).toMatchObject({ priority: 2, bundles: 2 })
  })
})
