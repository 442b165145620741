import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { HeapQueue } from './heap-queue.js'
import { IndexedHeap } from './indexed-heap.js'

describe('IndexedHeap', () => {
  test.each([1, 2, 3])('keeps its order whatever is removed or changed in its middle (seed %i)', (seed) => {
    const rng = new SeededRng(seed, 'indexed-heap')
    const keys = Array.from({ length: 300 }, () => rng.int(50))
    const heap = new IndexedHeap((a, b) => keys[a] < keys[b] || (keys[a] === keys[b] && a < b))
    const inside = new Set<number>()
    for (let i = 0; i < 3_000; i++) {
      const item = rng.int(300)
      if (!inside.has(item)) {
        inside.add(item)
        heap.push(item)
      } else if (rng.int(2) === 0) {
        inside.delete(item)
        heap.remove(item)
      } else {
        keys[item] = rng.int(50)
        heap.update(item)
      }
      const sorted = Array.from(inside).sort((a, b) => keys[a] - keys[b] || a - b)
      expect([heap.size, heap.top, heap.has(item)]).toEqual([
        sorted.length,
        sorted[0] ?? -1,
        inside.has(item),
      ])
      if (i % 100 === 0) expect(heap.toSorted()).toEqual(sorted)
    }
  })
})

describe('HeapQueue', () => {
  test('a sequence keeps the place that its key gave it when it came, until it comes back', () => {
    const keys = [5, 7]
    const queue = new HeapQueue(
      (slot) => keys[slot],
      (a, b) => a < b,
    )
    queue.push(0)
    queue.push(1)
    keys[1] = 1
    expect([queue.head(), queue.before(1, 0)]).toEqual([0, false])
    queue.remove(1)
    queue.pushBack(1)
    expect([queue.head(), queue.before(1, 0)]).toEqual([1, true])
  })
})
