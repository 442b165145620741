import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { BlockPool } from './block-pool.js'
import type { Placement } from './free-blocks.js'

const placements: Placement[] = ['queue-order', 'fullest-bundle']

function makePool(options: Partial<ConstructorParameters<typeof BlockPool>[0]> = {}): BlockPool {
  return new BlockPool({
    blockSize: 16,
    blocksPerBundle: 4,
    bundleCapacity: 64,
    placement: 'queue-order',
    prefixCaching: true,
    ...options,
  })
}

describe('bundles of a pool', () => {
  test.each(placements)(
    '%s: a mapped bundle adds its blocks, an unmapped one takes them away',
    (placement) => {
      const pool = makePool({ placement })
      pool.mapBundles([5, 2])
      expect([pool.bundles, pool.freeBundles, pool.totalBlocks, pool.freeBlocks]).toEqual([2, 2, 8, 8])
      expect(Array.from(pool.freeOrder()).sort((a, b) => a - b)).toEqual([8, 9, 10, 11, 20, 21, 22, 23])
      pool.unmapBundle(5)
      expect([pool.bundles, pool.freeBlocks, pool.isMapped(5), pool.isMapped(2)]).toEqual([1, 4, false, true])
      pool.mapBundles([5])
      expect(pool.freeBlocks).toBe(8)
    },
  )

  test.each(placements)('%s: a bundle with a used block is not unmapped', (placement) => {
    const pool = makePool({ placement })
    pool.mapBundles([1])
    const block = pool.take()
    expect(() => pool.unmapBundle(1)).toThrow('bundle 1 has 1 used blocks')
    pool.release(block)
    pool.unmapBundle(1)
    expect(() => pool.unmapBundle(1)).toThrow('bundle 1 is not mapped')
  })

  test('a bundle is not mapped twice, nor beyond the capacity', () => {
    const pool = makePool()
    pool.mapBundles([1])
    expect(() => pool.mapBundles([1])).toThrow('bundle 1 is mapped already')
    expect(() => pool.mapBundles([64])).toThrow('bundle 64 of 64')
  })

  test.each(placements)('%s: unmapping forgets what was cached there, and only that', (placement) => {
    const pool = makePool({ placement, blocksPerBundle: 1 })
    pool.mapBundles([0, 1])
    const first = pool.take()
    const second = pool.take()
    pool.register(first, 11, 1)
    pool.register(second, 22, 2)
    pool.release(first)
    pool.release(second)
    expect(pool.cachedFreeBlocks).toBe(2)
    pool.unmapBundle(first)
    expect([pool.find(11, 1), pool.find(22, 2), pool.cachedFreeBlocks]).toEqual([-1, second, 1])
  })

  test('free bundles without cached content are given back first', () => {
    const pool = makePool({ blocksPerBundle: 2, placement: 'fullest-bundle' })
    pool.mapBundles([0, 1, 2])
    const taken = [pool.take(), pool.take(), pool.take()]
    pool.register(taken[0], 1, 1)
    for (const block of taken) pool.release(block)
    const cached = pool.bundleOf(taken[0])
    expect(pool.pickFreeBundles(3).at(-1)).toBe(cached)
    expect(pool.unmapFree(2)).not.toContain(cached)
    expect(pool.bundles).toBe(1)
  })
})

describe('placement', () => {
  test('queue-order takes in order of release, clean blocks first', () => {
    const pool = makePool()
    pool.mapBundles([0, 1])
    const taken = Array.from({ length: 8 }, () => pool.take())
    expect(taken).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    pool.register(3, 1, 1)
    for (const block of [3, 6, 1]) pool.release(block)
    expect(Array.from(pool.freeOrder())).toEqual([1, 6, 3])
  })

  test('without prefix caching blocks queue in order of release', () => {
    const pool = makePool({ prefixCaching: false })
    pool.mapBundles([0])
    for (let i = 0; i < 4; i++) pool.take()
    for (const block of [2, 0, 3]) pool.release(block)
    expect(Array.from(pool.freeOrder())).toEqual([2, 0, 3])
  })

  test('fullest-bundle fills the bundle with the fewest free blocks and leaves empty ones whole', () => {
    const pool = makePool({ placement: 'fullest-bundle' })
    pool.mapBundles([0, 1, 2])
    const all = Array.from({ length: 12 }, () => pool.take())
    const inBundle = (bundle: number) => all.filter((block) => pool.bundleOf(block) === bundle)
    for (const block of inBundle(0)) pool.release(block)
    for (const block of inBundle(1).slice(0, 3)) pool.release(block)
    pool.release(inBundle(2)[0])
    const next = Array.from({ length: 4 }, () => pool.bundleOf(pool.take()))
    expect(next).toEqual([2, 1, 1, 1])
    expect(pool.freeBundles).toBe(1)
  })

  test('fullest-bundle spares cached blocks while a clean one is free, then takes the oldest', () => {
    const pool = makePool({ placement: 'fullest-bundle', blocksPerBundle: 2 })
    pool.mapBundles([0, 1])
    const [a, b, c, d] = Array.from({ length: 4 }, () => pool.take())
    pool.register(a, 1, 1)
    pool.register(c, 2, 2)
    for (const block of [c, a, b, d]) pool.release(block)
    const taken = Array.from({ length: 4 }, () => pool.take())
    expect(taken.slice(0, 2).sort((x, y) => x - y)).toEqual([b, d].sort((x, y) => x - y))
    expect(taken.slice(2)).toEqual([c, a])
    expect([pool.find(1, 1), pool.find(2, 2)]).toEqual([-1, -1])
  })
})

/** The obvious pool: arrays searched from end to end. */
class ModelPool {
  readonly references = new Map<number, number>()
  readonly hash = new Map<number, number>()
  /** In order of registration. */
  registered: number[] = []
  free: number[] = []
  readonly mapped = new Set<number>()
  readonly blocksPerBundle: number

  constructor(blocksPerBundle: number) {
    this.blocksPerBundle = blocksPerBundle
  }

  isClean(block: number): boolean {
    return !this.registered.includes(block)
  }

  freeIn(bundle: number): number {
    return this.free.filter((block) => Math.floor(block / this.blocksPerBundle) === bundle).length
  }

  forget(block: number): void {
    this.registered = this.registered.filter((other) => other !== block)
  }
}

describe.each(placements)('a pool with placement %s under random use', (placement) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('agrees with the obvious pool (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'block-pool')
    const blocksPerBundle = 1 + rng.int(5)
    const capacity = 12
    const pool = makePool({ placement, blocksPerBundle, bundleCapacity: capacity })
    const model = new ModelPool(blocksPerBundle)
    const used = () => Array.from(model.references.keys())
    for (let i = 0; i < 2_000; i++) {
      switch (rng.int(6)) {
        case 0: {
          const bundle = rng.int(capacity)
          if (model.mapped.has(bundle)) {
            if (model.freeIn(bundle) < blocksPerBundle) break
            pool.unmapBundle(bundle)
            model.mapped.delete(bundle)
            for (let b = 0; b < blocksPerBundle; b++) {
              const block = bundle * blocksPerBundle + b
              model.free = model.free.filter((other) => other !== block)
              model.forget(block)
            }
          } else {
            pool.mapBundles([bundle])
            model.mapped.add(bundle)
            for (let b = 0; b < blocksPerBundle; b++) model.free.push(bundle * blocksPerBundle + b)
          }
          break
        }
        case 1:
        case 2: {
          if (model.free.length === 0) break
          const block = pool.take()
          expect(model.free).toContain(block)
          checkPlacement(placement, model, block)
          model.free = model.free.filter((other) => other !== block)
          model.forget(block)
          model.references.set(block, 1)
          break
        }
        case 3: {
          const candidates = used().filter((block) => model.isClean(block))
          if (candidates.length === 0) break
          const block = candidates[rng.int(candidates.length)]
          const hash = rng.int(10)
          pool.register(block, hash, hash)
          model.registered.push(block)
          model.hash.set(block, hash)
          break
        }
        case 4: {
          const hash = rng.int(10)
          const block = pool.find(hash, hash)
          expect(block).toBe(model.registered.find((other) => model.hash.get(other) === hash) ?? -1)
          if (block < 0) break
          pool.reference(block)
          model.free = model.free.filter((other) => other !== block)
          model.references.set(block, (model.references.get(block) ?? 0) + 1)
          break
        }
        default: {
          const candidates = used()
          if (candidates.length === 0) break
          const block = candidates[rng.int(candidates.length)]
          pool.release(block)
          const left = (model.references.get(block) as number) - 1
          if (left > 0) {
            model.references.set(block, left)
          } else {
            model.references.delete(block)
            if (model.isClean(block)) model.free.unshift(block)
            else model.free.push(block)
          }
        }
      }
      expect(pool.freeBlocks).toBe(model.free.length)
      expect(pool.cachedFreeBlocks).toBe(model.free.filter((block) => !model.isClean(block)).length)
      const freeBundles = Array.from(model.mapped).filter(
        (bundle) => model.freeIn(bundle) === blocksPerBundle,
      )
      expect(pool.freeBundles).toBe(freeBundles.length)
      expect(pool.strandedBlocks).toBe(model.free.length - freeBundles.length * blocksPerBundle)
    }
    const order = Array.from(pool.freeOrder())
    if (placement === 'queue-order') expect(order).toEqual(model.free)
    else expect(order.sort((a, b) => a - b)).toEqual(model.free.slice().sort((a, b) => a - b))
  })
})

function checkPlacement(placement: Placement, model: ModelPool, taken: number): void {
  if (placement === 'queue-order') {
    expect(taken).toBe(model.free[0])
    return
  }
  const clean = model.free.filter((block) => model.isClean(block))
  if (clean.length === 0) {
    // Cached blocks are released to the tail, so the first one is the oldest.
    expect(taken).toBe(model.free[0])
    return
  }
  const freeInBundle = (block: number) => model.freeIn(Math.floor(block / model.blocksPerBundle))
  expect(clean).toContain(taken)
  expect(freeInBundle(taken)).toBe(Math.min(...clean.map(freeInBundle)))
}
