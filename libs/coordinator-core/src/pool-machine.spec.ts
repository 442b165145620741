import { describe, expect, it } from 'vitest'
import { contended } from './testing/contended.js'
import { PoolWorld } from './testing/pool-world.js'

describe('a pool and its members', () => {
  it('gives a newcomer its first lease and budget in the step of its join', () => {
    const world = new PoolWorld()
    world.join('a')
    expect(world.document('a')).toMatchObject({ member: true, leaseBundles: 100, processedThrough: 1 })
    expect(world.document('a').budget.tokens).toBeGreaterThan(0)
  })

  it('numbers the documents of an engine upwards, whatever happens', () => {
    const world = new PoolWorld()
    const seen = new Map<string, number>()
    const check = () => {
      for (const effect of world.effects) {
        if (effect.kind !== 'document') continue
        const { engine, sequence } = effect.document
        expect(sequence).toBeGreaterThan(seen.get(engine) ?? 0)
        seen.set(engine, sequence)
      }
    }
    for (const act of [
      () => world.join('a'),
      () => world.join('b'),
      () => world.beat('a', { inUse: 90, tokens: 500 }),
      () => world.beat('b', { inUse: 5, tokens: 500 }),
      () => world.request('b', { bundles: 8 }),
      () => world.leave('a'),
      () => world.join('a', { incarnation: 2 }),
      () => world.join('a', { incarnation: 3 }),
    ]) {
      act()
      check()
      world.now += 50_000
    }
    expect(seen.get('a')).toBeGreaterThan(3)
  })

  it('reads no heartbeat older than one already read, and none of an older incarnation', () => {
    const world = new PoolWorld()
    world.join('a', { incarnation: 2 })
    const old = world.heartbeatOf('a', { inUse: 70, tokens: 900 })
    world.beat('a', { inUse: 3, tokens: 10 })
    const before = { members: structuredClone(world.pool.members), ledger: world.pool.ledger.snapshot() }
    for (const stale of [old, { ...old, beat: old.beat + 9, incarnation: 1 }]) {
      expect(world.send(stale)).toEqual([])
      expect({ members: world.pool.members, ledger: world.pool.ledger.snapshot() }).toEqual(before)
    }
  })

  it('processes numbered messages once and in order, and waits for what a gap has lost', () => {
    const world = contended()
    const first = world.requestOf('b', { bundles: 1 })
    const second = world.requestOf('b', { bundles: 2 })
    world.send(second)
    expect(world.pool.members[1].processedThrough).toBe(1)
    world.send(first)
    world.send(first)
    world.send(second)
    expect(world.decisions.map((decision) => decision.id)).toEqual([first.id, second.id])
    expect(world.document('b').processedThrough).toBe(3)
  })

  it('takes no join twice, and none of a model that nobody registered', () => {
    const world = new PoolWorld()
    world.join('a')
    const { members } = world.pool
    world.send({ kind: 'join', engine: 'a', incarnation: 1, number: 1, model: 'a' })
    world.send({ kind: 'join', engine: 'x', incarnation: 1, number: 1, model: 'unknown' })
    world.send({ kind: 'join', engine: 'a', incarnation: 2, number: 1, model: 'unknown' })
    expect(world.pool.members).toBe(members)
    world.leave('a')
    world.send({ kind: 'join', engine: 'a', incarnation: 1, number: 1, model: 'a' })
    expect(world.pool.members).toEqual([])
  })

  it('tells an engine that was dismissed so, above all that it knows, with the ends of its requests', () => {
    const world = contended()
    world.request('b', { bundles: 8 })
    const { sequence } = world.document('b')
    for (let i = 0; i < 90; i++) {
      world.pass(100_000)
      world.beat('a', { inUse: 80, tokens: 100 })
    }
    expect(world.pool.members.map((member) => member.engine)).toEqual(['a'])
    world.beat('b', { sequence })
    const farewell = world.document('b')
    expect(farewell).toMatchObject({ member: false, leaseBundles: 0 })
    expect(farewell.sequence).toBeGreaterThan(sequence)
    expect(farewell.outcomes.map((outcome) => outcome.id)).toEqual(['b/1/2'])
    world.send({ kind: 'join', engine: 'b', incarnation: 1, number: 3, model: 'b' })
    expect(world.document('b')).toMatchObject({ member: true, processedThrough: 3 })
    expect(world.document('b').sequence).toBeGreaterThan(farewell.sequence)
  })
})

describe('a round', () => {
  it('divides what the group computes, by weight, and follows demand', () => {
    const world = new PoolWorld({ terms: { a: { weight: 3 } } })
    world.join('a')
    world.join('b')
    world.beat('a', { tokens: 5_000 })
    world.beat('b', { tokens: 5_000 })
    world.pass(200_000)
    // 10,000 tokens a second are 1,000 in a round.
    const both = world.rounds[world.rounds.length - 1]
    expect(both).toMatchObject({ capacityTokens: 1000, shares: [{ tokens: 750 }, { tokens: 250 }] })
    world.beat('a', { tokens: 100 })
    world.pass(200_000)
    const less = world.rounds[world.rounds.length - 1]
    expect(less.shares.map((share) => share.tokens)).toEqual([100, 900])
    for (const round of world.rounds)
      expect(round.shares.reduce((sum, share) => sum + share.tokens, 0)).toBeLessThanOrEqual(
        round.capacityTokens,
      )
  })

  it('applies the terms an operator has changed from the next round on', () => {
    const world = new PoolWorld()
    world.join('a')
    world.join('b')
    world.beat('a', { tokens: 5_000 })
    world.beat('b', { tokens: 5_000 })
    world.pass(200_000)
    const terms = { weight: 4, guarantee: 0.1, limit: 0.5, priority: 0, preemptible: true }
    world.step({ kind: 'terms', model: 'a', terms })
    world.pass(100_000)
    const { shares } = world.rounds[world.rounds.length - 1]
    expect(shares.map((share) => share.tokens)).toEqual([500, 500])
    world.beat('a', { tokens: 5_000 })
    expect(world.document('a')).toMatchObject({ guaranteeBundles: 10, limitBundles: 50 })
  })

  it('leaves out rounds that would move carried fractions alone, and runs one in ten of them', () => {
    const world = new PoolWorld({ terms: { a: { weight: 2 } } })
    for (const engine of ['a', 'b', 'c', 'd']) world.join(engine)
    const report = () => {
      for (const engine of ['a', 'b', 'c', 'd']) world.beat(engine, { tokens: 5_000 })
    }
    for (let i = 0; i < 4; i++) {
      report()
      world.pass(300_000)
    }
    const before = world.rounds.length
    for (let i = 0; i < 10; i++) {
      report()
      world.pass(300_000)
    }
    expect(world.rounds.length - before).toBe(3)
    world.beat('a', { tokens: 100 })
    expect(world.rounds.length - before).toBe(4)
  })

  it('skips rounds that nobody was there to run, and counts them', () => {
    const world = new PoolWorld()
    world.join('a')
    world.beat('a', { tokens: 100 })
    world.pass(100_000)
    const [first] = world.rounds.slice(-1)
    world.now += 1_000_000
    world.beat('a', { tokens: 5_000 })
    const [second] = world.rounds.slice(-1)
    expect(second.round - first.round).toBeGreaterThanOrEqual(10)
  })

  it('moves memory that nobody uses at once, and leaves what its holder needs', () => {
    const world = new PoolWorld()
    world.join('a')
    world.beat('a', { inUse: 20, bundles: 35, tokens: 100 })
    world.join('b')
    world.beat('b', { inUse: 2, bundles: 80, tokens: 100 })
    world.beat('a', { inUse: 20, bundles: 35, tokens: 100 })
    world.pass(100_000)
    expect(world.document('a').reclaims).toEqual([{ request: '', bundles: 65 - world.lease('b') }])
    expect(world.lease('a')).toBe(35)
    world.beat('a', { inUse: 20, bundles: 35, tokens: 100 })
    world.pass(100_000)
    expect([world.lease('a'), world.lease('b')]).toEqual([35, 65])
  })
})
