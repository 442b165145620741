import { BlockPool, ChangedSlots, SwapSpace, SyntheticContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, tokenCosts } from './config.js'
import { CopyBuffer } from './copy-buffer.js'
import { Lifecycle } from './lifecycle.js'
import { Scheduler } from './scheduler.js'
import { supplyPoints } from './supply.js'
import { SupplyBook } from './supply-book.js'
import { type BusyEngine, busyEngine } from './testing/busy-engine.js'

const seeds = Array.from({ length: 25 }, (_, i) => i + 1)

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Least tokens to compute again when so many more bundles are to be free, over all sets of running sequences. */
function leastCost({ pool, scheduler }: BusyEngine, bundles: number): number {
  const slots = scheduler.runningSlots()
  const lies = slots.map((slot) => new Set(Array.from(scheduler.blockTable(slot), (b) => pool.bundleOf(b))))
  const costs = slots.map((slot) => scheduler.sequence(slot).computed)
  let least = Infinity
  for (let set = 0; set < 2 ** slots.length; set++) {
    const stopped = slots.map((_, i) => ((set >> i) & 1) === 1)
    const cost = costs.reduce((sum, each, i) => sum + (stopped[i] ? each : 0), 0)
    if (cost >= least) continue
    const kept = new Set<number>()
    const freed = new Set<number>()
    lies.forEach((held, i) => {
      for (const bundle of held) (stopped[i] ? freed : kept).add(bundle)
    })
    for (const bundle of kept) freed.delete(bundle)
    if (freed.size >= bundles) least = cost
  }
  return least
}

describe.each(seeds)('the supply curve of a busy engine (seed %i)', (seed) => {
  test('kept up to date it is the one made anew, after any history', () => {
    const engine = busyEngine(seed, 20)
    const { rng, pool, scheduler, submit } = engine
    scheduler.supplyCurve(0)
    for (let i = 0; i < 30; i++) {
      engine.run(rng.int(12))
      const slots = scheduler.slots()
      if (rng.int(2) === 0 && slots.length > 0) scheduler.abort(slots[rng.int(slots.length)])
      if (rng.int(3) === 0) {
        scheduler.releaseBundles(0, rng.int(10), { victimsBelow: rng.int(4) })
        const unmapped = pool.unmapFree(rng.int(4))
        engine.run(rng.int(3))
        pool.mapBundles(unmapped)
      }
      if (rng.int(3) === 0) submit()
      // Compares the curves, like everything else that is kept.
      if (rng.int(2) === 0) scheduler.audit()
    }
    scheduler.audit()
  })

  test('releases at no more than the published cost, and a priority frees what its curve promises', () => {
    const { scheduler } = busyEngine(seed, 20)
    const points = scheduler.supplyCurve(0)
    expect(points.length).toBeLessThanOrEqual(16)
    const order = points.map(({ priority, bundles }) => priority * 1_000 + bundles)
    expect(order).toEqual(order.slice().sort((a, b) => a - b))
    for (const point of points) {
      const { pool, scheduler: again } = busyEngine(seed, 20)
      const wanted = pool.freeBundles + point.bundles
      const computed = new Map(again.runningSlots().map((slot) => [slot, again.sequence(slot).computed]))
      const { victims, freeBundles } = again.releaseBundles(0, wanted, {
        victimsBelow: point.priority + 0.5,
      })
      expect(freeBundles).toBeGreaterThanOrEqual(wanted)
      const cost = victims.reduce((sum, slot) => sum + (computed.get(slot) as number), 0)
      expect(cost).toBeLessThanOrEqual(point.costUs)
    }
  })
})

test('its costs are never below the least of all sets of sequences, 20 % above on average and twice it at worst (seeds 1 to 40)', () => {
  const ratios: number[] = []
  for (let seed = 1; seed <= 40; seed++) {
    const engine = busyEngine(seed, 10, 1)
    for (const { bundles, costUs } of engine.scheduler.supplyCurve(0))
      ratios.push(costUs / leastCost(engine, bundles))
  }
  expect(Math.min(...ratios)).toBeGreaterThanOrEqual(1)
  expect(mean(ratios)).toBeLessThan(1.2)
  expect(Math.max(...ratios)).toBeLessThan(2)
})

describe('what reading the curve costs', () => {
  /** An engine of 256 sequences that hold `blocks` blocks each, in bundles of 8. */
  function largeEngine(blocks: number) {
    const blockSize = 16
    const bundles = 256 * blocks + 2_000
    const pool = new BlockPool({
      blockSize,
      blocksPerBundle: 8,
      bundleCapacity: bundles,
      placement: 'fullest-bundle',
      prefixCaching: false,
    })
    pool.mapBundles(Array.from({ length: bundles }, (_, i) => i))
    const life = new Lifecycle(defaultSchedulerConfig, pool, tokenCosts, new SwapSpace(0))
    const enter = (n: number) => {
      const content = new SyntheticContent({ uniqueSeed: n })
      const input = { id: `s${n}`, promptTokens: 1, maxOutputTokens: 1, priority: 0, arrivalUs: n, content }
      const slot = life.add(input, 1_000_000)
      life.enter(0, slot, { blocks: 0, revived: 0 }, blocks, new CopyBuffer())
      life.store.computed[slot] = blocks * blockSize
    }
    for (let n = 0; n < 256; n++) enter(n)
    const book = new SupplyBook(life, life.tables.watchChanges())
    supplyPoints(life, book)
    const workOf = (change: () => void) => {
      const before = book.work
      change()
      const points = supplyPoints(life, book)
      expect(points).toEqual(supplyPoints(life, new SupplyBook(life, new ChangedSlots())))
      return book.work - before
    }
    return { life, book, enter, workOf }
  }

  test('the first time it looks at all that is held, when nothing changed at nothing', () => {
    const { book, workOf } = largeEngine(100)
    expect(book.work).toBeGreaterThan(25_600)
    expect(workOf(() => {})).toBe(0)
  })

  test('after some sequences grew by a block it looks at these blocks and their neighbours, however much is held', () => {
    for (const blocks of [100, 400]) {
      const { life, workOf } = largeEngine(blocks)
      const work = workOf(() => {
        for (let i = 0; i < 16; i++) life.tables.append(life.running[i], 1)
      })
      // A block, and the at most 8 holders of its bundle.
      expect(work).toBeLessThanOrEqual(16 * 9)
    }
  })

  test('after a sequence was stopped or came it looks at its bundles and those of its neighbours', () => {
    const { life, enter, workOf } = largeEngine(100)
    // 100 blocks lie in 13 or 14 bundles of 8, of which two are shared with a neighbour; each is looked at up to 10 times.
    expect(workOf(() => life.stop(7))).toBeLessThanOrEqual(3 * 10 * 14)
    expect(workOf(() => enter(1_000))).toBeLessThanOrEqual(100 + 3 * 10 * 14)
  })

  test('a sequence that grows to 2,000 blocks, read after each, is looked at less than 100 times a block', () => {
    const { life, workOf } = largeEngine(1)
    let work = 0
    for (let i = 0; i < 2_000; i++) work += workOf(() => life.tables.append(life.running[0], 1))
    expect(work).toBeLessThan(100 * 2_000)
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
