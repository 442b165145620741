import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { SwapSpace } from './swap-space.js'

describe('SwapSpace', () => {
  test("keeps a slot's tokens and blocks until they are released", () => {
    const swap = new SwapSpace(5)
    swap.store(3, 7, 2)
    expect([swap.tokens(3), swap.usedBlocks, swap.freeBlocks]).toEqual([7, 2, 3])
    expect(Array.from(swap.view(3))).toEqual([0, 1])
    swap.release(3)
    expect([swap.tokens(3), swap.usedBlocks, swap.peakBlocks]).toEqual([0, 0, 2])
  })

  test('refuses more than there is, a second copy of a slot, and giving back what is not there', () => {
    const swap = new SwapSpace(3)
    expect(() => swap.store(0, 16, 4)).toThrow('wants 4 of 3 host blocks')
    swap.store(0, 8, 2)
    expect(() => swap.store(0, 4, 1)).toThrow('has 8 tokens here')
    expect(() => swap.release(1)).toThrow('nothing in the swap space')
  })

  test('has nothing to give without capacity', () => {
    expect(new SwapSpace(0).freeBlocks).toBe(0)
  })

  test.each([1, 2, 3, 4, 5])(
    'never gives a host block to two slots, and is empty at the end (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'swap-space')
      const blockSize = 1 + rng.int(5)
      const swap = new SwapSpace(40)
      const held = new Map<number, number>()
      for (let i = 0; i < 500; i++) {
        const slot = rng.int(200)
        const tokens = 1 + rng.int(30)
        const blocks = Math.ceil(tokens / blockSize)
        swap.ensureSlots(slot + 1)
        if (held.has(slot)) {
          expect(swap.tokens(slot)).toBe(held.get(slot))
          swap.release(slot)
          held.delete(slot)
        } else if (blocks <= swap.freeBlocks) {
          swap.store(slot, tokens, blocks)
          held.set(slot, tokens)
        }
        swap.audit(blockSize)
      }
      for (const slot of held.keys()) swap.release(slot)
      swap.audit(blockSize)
      expect(swap.freeBlocks).toBe(40)
    },
  )
})
