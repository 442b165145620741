import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import type { Occupancy } from './occupancy.js'
import { chooseVictims } from './release.js'
import { busyEngine } from './testing/busy-engine.js'

/**
 * By number of bundles wanted, the least cost over all sets of candidates, by trying every one; and the least cached content that a
 * set of that cost forgets.
 */
function bruteForce(occupancy: Occupancy): { cost: number; forgotten: number }[] {
  const least: { cost: number; forgotten: number }[] = []
  for (let set = 0; set < 2 ** occupancy.slots.length; set++) {
    const members: number[] = []
    for (let c = 0; c < occupancy.slots.length; c++) if (((set >> c) & 1) === 1) members.push(c)
    const { freed, cost, forgotten } = worthOf(occupancy, members)
    for (let wanted = 0; wanted <= freed; wanted++) {
      const known = least[wanted]
      if (known === undefined || cost < known.cost || (cost === known.cost && forgotten < known.forgotten))
        least[wanted] = { cost, forgotten }
    }
  }
  return least
}

/** Costs up to `dearest`: few distinct ones make ties. */
function randomOccupancy(rng: SeededRng, candidates: number, bundles: number, dearest = 100): Occupancy {
  const holders = new Int32Array(bundles)
  const starts = [0]
  const items: number[] = []
  for (let c = 0; c < candidates; c++) {
    for (let b = 0; b < bundles; b++) {
      if (rng.int(4) > 0) continue
      items.push(b)
      holders[b]++
    }
    starts.push(items.length)
  }
  // Some bundles are held by sequences that may not be stopped.
  for (let b = 0; b < bundles; b++) if (holders[b] > 0 && rng.int(6) === 0) holders[b]++
  const costs = Array.from({ length: candidates }, () => 1 + rng.int(dearest))
  return {
    slots: Array.from({ length: candidates }, (_, c) => c),
    priorities: Array.from({ length: candidates }, () => rng.int(2)),
    costs,
    heldCosts: costs,
    starts: Int32Array.from(starts),
    items: Int32Array.from(items),
    holders,
    cached: holders.map(() => rng.int(5)),
  }
}

function worthOf({ costs, starts, items, holders, cached }: Occupancy, members: readonly number[]) {
  const left = holders.slice()
  let freed = 0
  let cost = 0
  let forgotten = 0
  for (const c of members) {
    cost += costs[c]
    for (let j = starts[c]; j < starts[c + 1]; j++) {
      if (--left[items[j]] > 0) continue
      freed++
      forgotten += cached[items[j]]
    }
  }
  return { freed, cost, forgotten }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('choosing whom to stop', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))('is exact for few candidates (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'choose-victims')
    const occupancy = randomOccupancy(rng, 1 + rng.int(9), 4 + rng.int(12), seed % 2 === 0 ? 100 : 3)
    const least = bruteForce(occupancy)
    for (let wanted = 1; wanted < least.length; wanted++) {
      const { freed, cost, forgotten } = worthOf(occupancy, chooseVictims(occupancy, wanted))
      expect(freed).toBeGreaterThanOrEqual(wanted)
      expect({ cost, forgotten }).toEqual(least[wanted])
    }
  })

  test('for many candidates it suffices, stops nobody in vain, and costs at most 1 % more than the best on average and 50 % at worst (seeds 1 to 40)', () => {
    const ratios: number[] = []
    for (let seed = 1; seed <= 40; seed++) {
      const rng = new SeededRng(seed, 'choose-many')
      const occupancy = randomOccupancy(rng, 13, 10 + rng.int(20))
      const least = bruteForce(occupancy)
      const most = least.length - 1
      for (const wanted of [1, 2, 4, most].filter((n) => n >= 1 && n <= most)) {
        const members = chooseVictims(occupancy, wanted)
        const { cost, freed: got } = worthOf(occupancy, members)
        expect(got).toBeGreaterThanOrEqual(wanted)
        for (const spared of members) {
          const rest = members.filter((member) => member !== spared)
          expect(worthOf(occupancy, rest).freed).toBeLessThan(wanted)
        }
        ratios.push(cost / least[wanted].cost)
      }
    }
    expect(mean(ratios)).toBeLessThan(1.01)
    expect(Math.max(...ratios)).toBeLessThan(1.5)
  })

  test('when not even all of them suffice, those are stopped that free anything', () => {
    // Bundle 0 is held by candidate 0 alone, bundle 1 by candidate 1 and by one that may not be stopped.
    const occupancy: Occupancy = {
      slots: [0, 1],
      priorities: [0, 0],
      costs: [5, 1],
      heldCosts: [5, 1],
      starts: Int32Array.of(0, 1, 2),
      items: Int32Array.of(0, 1),
      holders: Int32Array.of(1, 2),
      cached: Int32Array.of(0, 0),
    }
    expect(chooseVictims(occupancy, 9)).toEqual([0])
  })
})

describe.each(Array.from({ length: 25 }, (_, i) => i + 1))('giving bundles back (seed %i)', (seed) => {
  test('frees what was asked, from lower priorities only, and stops nobody when free bundles suffice', () => {
    const { rng, pool, scheduler } = busyEngine(seed, 12)
    const free = pool.freeBundles
    expect(scheduler.releaseBundles(0, free)).toMatchObject({ victims: [], freeBundles: free })
    const below = 1 + rng.int(3)
    const priorities = new Map(
      scheduler.runningSlots().map((slot) => [slot, scheduler.sequence(slot).priority]),
    )
    const wanted = free + 1 + rng.int(6)
    const { victims, freeBundles } = scheduler.releaseBundles(0, wanted, { victimsBelow: below })
    scheduler.audit()
    for (const slot of victims) expect(priorities.get(slot)).toBeLessThan(below)
    const eligible = Array.from(priorities.entries()).filter(
      ([slot, priority]) => priority < below && !victims.includes(slot),
    )
    if (freeBundles < wanted) {
      // Then stopping all the others that may be would not free another bundle.
      for (const [slot] of eligible) scheduler.abort(slot)
      expect(pool.freeBundles).toBe(freeBundles)
    }
  })
})
