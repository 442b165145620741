import { describe, expect, it } from 'vitest'
import { BUSY } from './testing/contended.js'
import { PoolWorld } from './testing/pool-world.js'

const leases = (world: PoolWorld) => [world.lease('a'), world.lease('b')]

describe('fixed shares', () => {
  it('follow weights alone; who joins later gets its own at once, whatever it is used for', () => {
    const world = new PoolWorld({ policy: 'static', terms: { a: { weight: 3 } } })
    world.join('a')
    expect(world.lease('a')).toBe(100)
    world.beat('a', { inUse: 100, tokens: 50 })
    world.join('b')
    expect(world.document('a')).toMatchObject({
      leaseBundles: 75,
      reclaims: [{ request: '', bundles: 25, victimsBelow: null }],
    })
    world.beat('a', { inUse: 75, tokens: 50 })
    world.pass(100_000)
    expect(leases(world)).toEqual([75, 25])
    world.beat('a', { inUse: 0 })
    world.beat('b', { inUse: 25, bundles: 90, tokens: 5_000 })
    world.pass(300_000)
    expect(leases(world)).toEqual([75, 25])
  })

  it('move for no request under `static`, whose limit is the share', () => {
    const world = new PoolWorld({ policy: 'static' })
    world.join('a')
    world.join('b')
    world.beat('a', { held: 50 })
    world.pass(100_000)
    world.beat('b', { inUse: 50, tokens: 50 })
    expect(world.document('b').limitBundles).toBe(50)
    world.request('b', { bundles: 5, priority: 9 })
    expect(world.outcomes('b')).toMatchObject([{ kind: 'denied' }])
    expect(leases(world)).toEqual([50, 50])
  })

  it('hold under a policy that pools memory when they are asked for, and tokens are divided as ever', () => {
    const world = new PoolWorld({ policy: 'weighted-max-min', settings: { fixedMemory: true } })
    world.join('a')
    world.join('b')
    world.beat('a', { held: 50 })
    world.pass(100_000)
    world.beat('b', { inUse: 50, bundles: 90, tokens: 5_000 })
    world.request('b', { bundles: 5, priority: 9 })
    world.pass(300_000)
    expect(world.outcomes('b')).toMatchObject([{ kind: 'denied' }])
    expect(leases(world)).toEqual([50, 50])
    const [a, b] = ['a', 'b'].map((engine) => world.document(engine).budget.tokens)
    expect(b).toBeGreaterThan(a)
  })

  it('are lent by a single donor of lower priority under `kapsl-compat`, and taken back from an idle borrower', () => {
    const world = new PoolWorld({ policy: 'kapsl-compat' })
    world.join('a')
    world.join('b')
    world.beat('a', { ...BUSY, held: 50, inUse: 50 })
    world.pass(100_000)
    world.beat('a', { ...BUSY, inUse: 50 })
    world.beat('b', { inUse: 50, tokens: 50 })
    world.request('b', { bundles: 10, priority: 5 })
    expect(world.document('a').reclaims).toMatchObject([{ bundles: 10, victimsBelow: 5 }])
    world.beat('a', { ...BUSY, inUse: 40 })
    expect(leases(world)).toEqual([40, 60])
    world.beat('b', { inUse: 0, tokens: 0 })
    world.pass(100_000)
    world.beat('b', { inUse: 0, tokens: 0 })
    world.pass(100_000)
    expect(leases(world)).toEqual([50, 50])
  })
})

describe('one free list', () => {
  it('lets everybody hold everything, and has no order to give', () => {
    const world = new PoolWorld({ policy: 'uncoordinated' })
    world.join('a')
    world.join('b')
    world.beat('a', { ...BUSY, held: 90, inUse: 90 })
    world.request('b', { bundles: 50, priority: 9 })
    world.pass(300_000)
    expect(leases(world)).toEqual([100, 100])
    expect(world.document('a').reclaims).toEqual([])
    expect(world.pool.ledger.free).toBe(100)
  })
})

describe('a pool that is only observed', () => {
  it('gives everybody its share by weight among all that are registered, once', () => {
    const world = new PoolWorld({ settings: { observeOnly: true }, terms: { a: { weight: 2 } } })
    world.join('a')
    expect([world.lease('a'), world.pool.ledger.free]).toEqual([40, 60])
    world.beat('a', { inUse: 40, bundles: 90, tokens: 5_000 })
    world.pass(300_000)
    world.join('b')
    expect(leases(world)).toEqual([40, 20])
    world.beat('a', { inUse: 0 })
    world.beat('b', { inUse: 20, bundles: 90, tokens: 5_000 })
    world.pass(1_000_000)
    expect(leases(world)).toEqual([40, 20])
    expect(world.document('a').reclaims).toEqual([])
  })

  it('divides budgets as ever, and says in its log that it is observed', () => {
    const world = new PoolWorld({ settings: { observeOnly: true } })
    world.join('a')
    world.beat('a', { tokens: 500 })
    world.pass(100_000)
    const logged = world.effects.find((effect) => effect.kind === 'log')
    expect(logged).toMatchObject({ origin: { observeOnly: true }, decision: { kind: 'round' } })
    expect(world.document('a').budget.tokens).toBeGreaterThan(0)
  })
})
