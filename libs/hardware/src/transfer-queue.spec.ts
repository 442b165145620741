import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { swapUs } from './transfer-cost.js'
import { TransferQueue } from './transfer-queue.js'

const h100 = knownGpu('H100')

describe('TransferQueue', () => {
  test('lets copies of one direction wait for each other, and those of the other pass', () => {
    const queue = new TransferQueue(h100)
    const bytesPerRank = 1e9
    const us = swapUs(bytesPerRank, h100)
    expect(queue.add(100, { direction: 'out', bytesPerRank })).toEqual({ startUs: 100, endUs: 100 + us })
    expect(queue.waitUs(200, 'out')).toBe(us - 100)
    expect(queue.add(200, { direction: 'out', bytesPerRank })).toEqual({
      startUs: 100 + us,
      endUs: 100 + 2 * us,
    })
    expect(queue.waitUs(200, 'in')).toBe(0)
    expect(queue.add(200, { direction: 'in', bytesPerRank }).startUs).toBe(200)
  })

  test('is free again when its copies are done', () => {
    const queue = new TransferQueue(h100)
    const { endUs } = queue.add(0, { direction: 'in', bytesPerRank: 1e6 })
    expect(queue.waitUs(endUs, 'in')).toBe(0)
    expect(queue.add(endUs, { direction: 'in', bytesPerRank: 1e6 }).startUs).toBe(endUs)
  })

  for (const seed of [1, 2, 3]) {
    test(`never runs two copies of a direction at once, nor idles while one waits (seed ${seed})`, () => {
      const rng = new SeededRng(seed, 'copies')
      const queue = new TransferQueue(h100)
      const endUs = { in: 0, out: 0 }
      let now = 0
      for (let i = 0; i < 500; i++) {
        now += rng.int(400)
        const direction = rng.int(2) === 0 ? 'in' : 'out'
        const copy = queue.add(now, { direction, bytesPerRank: rng.int(20_000_000) })
        expect(copy.startUs).toBe(Math.max(now, endUs[direction]))
        expect(copy.endUs).toBeGreaterThanOrEqual(copy.startUs)
        endUs[direction] = copy.endUs
      }
    })
  }

  test('never takes a copy from before the last one asked for', () => {
    const queue = new TransferQueue(h100)
    queue.add(10, { direction: 'in', bytesPerRank: 1 })
    expect(() => queue.add(9, { direction: 'out', bytesPerRank: 1 })).toThrow('a copy is asked for at 9 us')
  })
})
