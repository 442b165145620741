import { describe, expect, it } from 'vitest'
import { BUSY, contended } from './testing/contended.js'
import type { PoolWorld } from './testing/pool-world.js'

const ASKED = { bundles: 1, priority: 5, class: 'priority' } as const

/** Has work of `a` stopped for `b` so many times, as far as the pool allows it; nothing stays moved. */
function evictOften(world: PoolWorld, times: number): void {
  for (let time = 0; time < times; time++) {
    const id = `time-${time}`
    world.request('b', { ...ASKED, id })
    world.cancel('b', id)
    world.beat('a', BUSY)
    world.beat('b', { inUse: 20, tokens: 100 })
    world.pass(100_000)
  }
}

describe('against thrashing, the owner of a pool', () => {
  it('raises the work of an engine that was evicted three times', () => {
    const world = contended({ settings: { cooldownUs: 0 } })
    world.request('b', { ...ASKED, id: 'first' })
    expect(world.document('a').reclaims).toMatchObject([{ victimsBelow: 5 }])
    world.cancel('b', 'first')
    evictOften(world, 2)
    world.request('b', { ...ASKED, id: 'fourth' })
    expect(world.document('a').reclaims).toMatchObject([{ victimsBelow: 4 }])
  })

  it('has an engine suffer thirty evictions a minute at most', () => {
    const world = contended({ settings: { cooldownUs: 0 } })
    evictOften(world, 40)
    const planned = world.decisions.filter(({ outcome }) => outcome === 'planned')
    expect(planned).toHaveLength(30)
    expect(world.decisions.at(-1)).toMatchObject({ outcome: 'denied', reason: 'cooldown' })
  })

  it('does not close a circle of evictions', () => {
    const world = contended({ settings: { cooldownUs: 0 } })
    evictOften(world, 1)
    world.beat('b', { inUse: 20, supply: [{ priority: 0, bundles: 20, costUs: 1 }] })
    world.request('a', { ...ASKED })
    expect(world.decisions.at(-1)).toMatchObject({ outcome: 'denied', reason: 'cycle' })
  })

  it('stops no lower work for an engine that has just become short of memory, where it is told to wait', () => {
    const world = contended({ settings: { requesterDelayUs: 400_000 } })
    for (let time = 0; time < 5; time++) {
      world.request('b', { ...ASKED, id: `time-${time}` })
      world.pass(100_000)
      world.beat('a', BUSY)
      world.beat('b', { inUse: 20, tokens: 100 })
    }
    expect(world.decisions.slice(0, 5).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ...Array.from({ length: 4 }, () => ['denied', 'cooldown']),
      ['planned', null],
    ])
    expect(world.decisions[0].counterfactual).toContain('become eligible in 400 ms (delay of b)')
  })
})
