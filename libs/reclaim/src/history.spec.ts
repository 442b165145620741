import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { DEFAULT_HISTORY, PreemptionHistory } from './history.js'

const SECOND = 1_000_000

describe('PreemptionHistory', () => {
  it('keeps a pair apart in both directions until the cooldown is over', () => {
    const history = new PreemptionHistory()
    history.record({ requester: 'a', donor: 'b', atUs: 1 * SECOND })
    expect(history.standings('a', 1.2 * SECOND).get('b')?.cooldownInUs).toBe(300_000)
    expect(history.standings('b', 1.2 * SECOND).get('a')?.cooldownInUs).toBe(300_000)
    expect(history.standings('c', 1.2 * SECOND).get('b')?.cooldownInUs).toBe(0)
    expect(history.standings('a', 1.5 * SECOND).get('b')?.cooldownInUs).toBe(0)
  })

  it('sees the eviction that would close a circle, over any number of engines, until the chain is forgotten', () => {
    const history = new PreemptionHistory()
    history.record({ requester: 'a', donor: 'b', atUs: 0 })
    history.record({ requester: 'b', donor: 'c', atUs: 10 * SECOND })
    const circles = (nowUs: number): string[] =>
      ['a', 'b', 'c'].flatMap((requester) =>
        [...history.standings(requester, nowUs)].flatMap(([donor, { closesCycle }]) =>
          closesCycle ? [`${requester} evicts ${donor}`] : [],
        ),
      )
    expect(circles(20 * SECOND)).toEqual(['b evicts a', 'c evicts a', 'c evicts b'])
    expect(circles(65 * SECOND)).toEqual(['c evicts b'])
    expect(circles(71 * SECOND)).toEqual([])
  })

  it('raises an engine by one for every three evictions, up to a cap, and lets it sink again', () => {
    const history = new PreemptionHistory({ ...DEFAULT_HISTORY, boostMax: 2 })
    const boosts: number[] = []
    for (let k = 0; k < 10; k++) {
      history.record({ requester: 'a', donor: 'b', atUs: k * SECOND })
      boosts.push(history.boostOf('b', k * SECOND))
    }
    expect(boosts).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 2, 2])
    expect(history.boostOf('a', 9 * SECOND)).toBe(0)
    expect(history.boostOf('b', 65 * SECOND)).toBe(1)
    expect(history.boostOf('b', 100 * SECOND)).toBe(0)
  })

  it('lets an engine suffer so many evictions a minute and no more', () => {
    const history = new PreemptionHistory({ ...DEFAULT_HISTORY, evictionsMax: 2 })
    history.record({ requester: 'a', donor: 'b', atUs: 0 })
    history.record({ requester: 'c', donor: 'b', atUs: 5 * SECOND })
    expect(history.standings('d', 6 * SECOND).get('b')?.evictionsLeft).toBe(0)
    expect(history.standings('d', 61 * SECOND).get('b')?.evictionsLeft).toBe(1)
  })

  it('makes an engine wait until its shortage has lasted, and again after it was eased or has not asked for long', () => {
    const history = new PreemptionHistory({ ...DEFAULT_HISTORY, requesterDelayUs: 800_000 })
    const delayAt = (nowUs: number) => history.standings('a', nowUs).get('a')?.cooldownInUs ?? 0
    expect(delayAt(0)).toBe(800_000)
    history.lacked('a', 0)
    history.lacked('a', 500_000)
    expect([delayAt(500_000), delayAt(800_000)]).toEqual([300_000, 0])
    expect(history.standings('b', 800_000).get('a')?.cooldownInUs ?? 0).toBe(0)
    history.eased('a')
    expect(delayAt(900_000)).toBe(800_000)
    history.lacked('a', 1 * SECOND)
    expect(delayAt(3 * SECOND)).toBe(0)
    expect(delayAt(3.1 * SECOND)).toBe(800_000)
    expect(new PreemptionHistory().standings('a', 0).has('a')).toBe(false)
  })

  it('goes on from a snapshot, and refuses to run backwards', () => {
    const history = new PreemptionHistory()
    history.record({ requester: 'a', donor: 'b', atUs: 3 * SECOND })
    const copy = PreemptionHistory.restore(JSON.parse(JSON.stringify(history.snapshot())))
    expect([...copy.standings('b', 4 * SECOND)]).toEqual([...history.standings('b', 4 * SECOND)])
    expect(() => copy.record({ requester: 'a', donor: 'b', atUs: 2 * SECOND })).toThrow(
      /2000000 us after one at 3000000 us/,
    )
  })

  const seed = 12
  it(`never lets a circle close when its word is followed, seed ${seed}`, () => {
    const rng = new SeededRng(seed, 'circles')
    const engines = ['a', 'b', 'c', 'd', 'e', 'f']
    const history = new PreemptionHistory()
    let refused = 0
    for (let step = 0; step < 2_000; step++) {
      const atUs = step * 2 * SECOND
      const requester = engines[rng.int(6)]
      const donor = engines[rng.int(6)]
      if (requester === donor) continue
      if (history.standings(requester, atUs).get(donor)?.closesCycle === true) refused++
      else history.record({ requester, donor, atUs })
      const live = history.snapshot().filter((eviction) => atUs - eviction.atUs < DEFAULT_HISTORY.memoryUs)
      expect(
        hasCircle(live.map((eviction) => [eviction.requester, eviction.donor])),
        `seed ${seed}, step ${step}`,
      ).toBe(false)
    }
    expect(refused).toBeGreaterThan(0)
  })
})

/** Takes away engines that nobody evicted until none is left, or only circles are. */
function hasCircle(edges: readonly (readonly [string, string])[]): boolean {
  let left = edges
  for (;;) {
    const victims = new Set(left.map(([, donor]) => donor))
    const rest = left.filter(([requester]) => victims.has(requester))
    if (rest.length === left.length) return left.length > 0
    left = rest
  }
}
