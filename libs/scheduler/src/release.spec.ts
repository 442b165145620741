import { SeededRng } from '@kvasir/kernel'
import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig } from './config.js'
import type { Occupancy } from './occupancy.js'
import { chooseVictims } from './release.js'
import { Scheduler } from './scheduler.js'

/** A random engine in the middle of its work: sequences spread over bundles, some sharing a prefix. */
function busyEngine(seed: number, sequences: number) {
  const rng = new SeededRng(seed, 'release')
  const blocksPerBundle = 1 + rng.int(6)
  const bundles = 40 + rng.int(40)
  const placement = rng.int(2) === 0 ? 'queue-order' : 'fullest-bundle'
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle,
    bundleCapacity: bundles,
    placement,
    prefixCaching: true,
  })
  pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
  const scheduler = new Scheduler({ ...defaultSchedulerConfig, contextLimit: 200 }, pool)
  let submitted = 0
  const submit = () =>
    scheduler.submit(0, {
      id: `s${submitted}`,
      promptTokens: 1 + rng.int(40),
      maxOutputTokens: 5 + rng.int(60),
      priority: rng.int(3),
      arrivalUs: submitted,
      content: new SyntheticContent({
        uniqueSeed: submitted++,
        prefixBlocks: [rng.int(3), 10 + rng.int(3)],
        prefixBlockTokens: 8,
      }),
    })
  for (let i = 0; i < 40; i++) {
    while (scheduler.unfinishedCount < sequences) submit()
    const plan = scheduler.plan(i, Infinity)
    if (plan.count > 0) scheduler.complete(i, plan)
  }
  scheduler.audit()
  return { rng, pool, scheduler, submit }
}

/** Least cost over all sets of candidates, by trying every one. */
function bruteForce({ slots, costs, starts, items, holders }: Occupancy, wanted: number): number {
  let least = Infinity
  for (let set = 0; set < 2 ** slots.length; set++) {
    const left = holders.slice()
    let freed = 0
    let cost = 0
    for (let c = 0; c < slots.length; c++) {
      if (((set >> c) & 1) === 0) continue
      cost += costs[c]
      for (let j = starts[c]; j < starts[c + 1]; j++) if (--left[items[j]] === 0) freed++
    }
    if (freed >= wanted) least = Math.min(least, cost)
  }
  return least
}

function randomOccupancy(rng: SeededRng, candidates: number, bundles: number): Occupancy {
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
  return {
    slots: Array.from({ length: candidates }, (_, c) => c),
    costs: Array.from({ length: candidates }, () => 1 + rng.int(100)),
    starts: Int32Array.from(starts),
    items: Int32Array.from(items),
    holders,
  }
}

function worthOf({ costs, starts, items, holders }: Occupancy, members: readonly number[]) {
  const left = holders.slice()
  let freed = 0
  let cost = 0
  for (const c of members) {
    cost += costs[c]
    for (let j = starts[c]; j < starts[c + 1]; j++) if (--left[items[j]] === 0) freed++
  }
  return { freed, cost }
}

describe('choosing whom to stop', () => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))('is exact for few candidates (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'choose-victims')
    const occupancy = randomOccupancy(rng, 1 + rng.int(11), 4 + rng.int(12))
    const all = worthOf(occupancy, occupancy.slots)
    for (let wanted = 1; wanted <= all.freed; wanted++) {
      const chosen = worthOf(occupancy, chooseVictims(occupancy, wanted))
      expect(chosen.freed).toBeGreaterThanOrEqual(wanted)
      expect(chosen.cost).toBe(bruteForce(occupancy, wanted))
    }
  })

  test.each(Array.from({ length: 20 }, (_, i) => i + 1))(
    'for many candidates it suffices, nobody is stopped in vain, and it stays near the best (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'choose-many')
      const occupancy = randomOccupancy(rng, 14, 20)
      const { freed } = worthOf(occupancy, occupancy.slots)
      for (const wanted of [1, 2, 4, freed].filter((n) => n >= 1 && n <= freed)) {
        const members = chooseVictims(occupancy, wanted)
        const { cost, freed: got } = worthOf(occupancy, members)
        expect(got).toBeGreaterThanOrEqual(wanted)
        for (const spared of members) {
          const rest = members.filter((member) => member !== spared)
          expect(worthOf(occupancy, rest).freed).toBeLessThan(wanted)
        }
        expect(cost).toBeLessThanOrEqual(1.5 * bruteForce(occupancy, wanted))
      }
    },
  )

  test('when not even all of them suffice, those are stopped that free anything', () => {
    // Bundle 0 is held by candidate 0 alone, bundle 1 by candidate 1 and by one that may not be stopped.
    const occupancy: Occupancy = {
      slots: [0, 1],
      costs: [5, 1],
      starts: Int32Array.of(0, 1, 2),
      items: Int32Array.of(0, 1),
      holders: Int32Array.of(1, 2),
    }
    expect(chooseVictims(occupancy, 9)).toEqual([0])
  })
})

describe.each(Array.from({ length: 25 }, (_, i) => i + 1))('giving bundles back (seed %i)', (seed) => {
  test('frees what was asked, from lower priorities only, and stops nobody when free bundles suffice', () => {
    const { rng, pool, scheduler } = busyEngine(seed, 12)
    const free = pool.freeBundles
    expect(scheduler.releaseBundles(0, free)).toEqual({ victims: [], freeBundles: free })
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

  test('releases at no more than the published cost, and a priority frees what its curve promises', () => {
    const { pool, scheduler } = busyEngine(seed, 20)
    const points = scheduler.supplyCurve(0)
    expect(points.length).toBeLessThanOrEqual(16)
    const order = points.map(({ priority, bundles }) => priority * 1_000 + bundles)
    expect(order).toEqual(order.slice().sort((a, b) => a - b))
    const lowest = points.filter(({ priority }) => priority === points[0]?.priority)
    for (let i = 1; i < lowest.length; i++)
      expect(lowest[i].costUs).toBeGreaterThanOrEqual(lowest[i - 1].costUs)
    const last = lowest.at(-1)
    if (last === undefined) return
    const wanted = pool.freeBundles + last.bundles
    const computed = new Map(
      scheduler.runningSlots().map((slot) => [slot, scheduler.sequence(slot).computed]),
    )
    const { victims, freeBundles } = scheduler.releaseBundles(0, wanted, {
      victimsBelow: last.priority + 0.5,
    })
    expect(freeBundles).toBeGreaterThanOrEqual(wanted)
    const cost = victims.reduce((sum, slot) => sum + (computed.get(slot) as number), 0)
    expect(cost).toBeLessThanOrEqual(last.costUs)
  })
})

test('sixteen points are shared among many priorities, the lowest first', () => {
  const pool = new BlockPool({
    blockSize: 4,
    blocksPerBundle: 1,
    bundleCapacity: 200,
    placement: 'fullest-bundle',
    prefixCaching: false,
  })
  pool.mapBundles(Array.from({ length: 200 }, (_, i) => i))
  const scheduler = new Scheduler(
    { ...defaultSchedulerConfig, prefixCaching: false, contextLimit: 100 },
    pool,
  )
  for (let i = 0; i < 20; i++) {
    const content = new SyntheticContent({ uniqueSeed: i })
    scheduler.submit(0, {
      id: `s${i}`,
      promptTokens: 32,
      maxOutputTokens: 8,
      priority: i,
      arrivalUs: i,
      content,
    })
  }
  scheduler.complete(0, scheduler.plan(0, Infinity))
  const points = scheduler.supplyCurve(0)
  expect(points).toHaveLength(16)
  expect(points[0]).toEqual({ priority: 0, bundles: 8, costUs: 32 })
})
