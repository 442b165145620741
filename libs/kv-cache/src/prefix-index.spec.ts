import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { PrefixIndex } from './prefix-index.js'

describe('PrefixIndex', () => {
  test.each([1, 2, 3, 4, 5, 6])(
    'answers the block registered earliest among those present (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'prefix-index')
      const blocks = 200
      const index = new PrefixIndex()
      index.grow(blocks)
      // Few lanes, and many with the same home position, so that collisions and duplicates are the rule.
      const hashes = 8 + rng.int(120)
      const lanes = (hash: number): [number, number] => [((hash % 7) << 20) | (hash % 3), hash]
      const order = new Map<number, number[]>()
      const hashOf = new Map<number, number>()
      for (let i = 0; i < 6_000; i++) {
        const block = rng.int(blocks)
        const hash = hashOf.get(block)
        if (hash === undefined) {
          const fresh = rng.int(hashes)
          index.add(block, ...lanes(fresh))
          hashOf.set(block, fresh)
          order.set(fresh, [...(order.get(fresh) ?? []), block])
        } else {
          index.remove(block)
          hashOf.delete(block)
          order.set(
            hash,
            (order.get(hash) ?? []).filter((other) => other !== block),
          )
        }
        const asked = rng.int(hashes)
        expect(index.find(...lanes(asked))).toBe(order.get(asked)?.[0] ?? -1)
        expect(index.size).toBe(hashOf.size)
      }
      for (let hash = 0; hash < hashes; hash++)
        expect(index.find(...lanes(hash))).toBe(order.get(hash)?.[0] ?? -1)
    },
  )

  test('keeps its content when blocks are added to the pool', () => {
    const index = new PrefixIndex()
    index.grow(10)
    for (let block = 0; block < 10; block++) index.add(block, block * 7, block)
    index.grow(5_000)
    for (let block = 0; block < 10; block++) expect(index.find(block * 7, block)).toBe(block)
    expect(index.find(7, 2)).toBe(-1)
  })
})
