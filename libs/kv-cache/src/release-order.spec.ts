import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { ReleaseOrder } from './release-order.js'

describe('ReleaseOrder', () => {
  it('gives the blocks back in the order in which they came, without those that left', () => {
    const order = new ReleaseOrder(8)
    for (const block of [3, 1, 7]) order.push(block)
    order.remove(1)
    expect([order.has(3), order.has(1)]).toEqual([true, false])
    expect([order.shift(), order.shift(), order.shift()]).toEqual([3, 7, -1])
  })

  it('puts a block that left and came back behind the others', () => {
    const order = new ReleaseOrder(4)
    for (const block of [0, 1, 2]) order.push(block)
    order.remove(0)
    order.push(0)
    expect(Array.from(order.toArray())).toEqual([1, 2, 0])
  })

  it.each([1, 2, 3, 4])(
    'holds what a plain list holds, however often blocks come and go (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'release-order')
      let capacity = 8
      const order = new ReleaseOrder(capacity)
      let list: number[] = []
      for (let i = 0; i < 5_000; i++) {
        const block = rng.int(capacity)
        const chance = rng.int(100)
        if (chance === 0 && capacity < 64) {
          capacity *= 2
          order.grow(capacity)
        } else if (chance < 30) {
          expect(order.shift()).toBe(list.shift() ?? -1)
        } else if (list.includes(block)) {
          order.remove(block)
          list = list.filter((other) => other !== block)
        } else if (chance < 40) {
          order.pushFirst(block)
          list.unshift(block)
        } else {
          order.push(block)
          list.push(block)
        }
        expect(order.has(block)).toBe(list.includes(block))
        if (i % 50 === 0) expect(Array.from(order.toArray())).toEqual(list)
      }
    },
  )
})
