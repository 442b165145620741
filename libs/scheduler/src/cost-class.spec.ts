import { SeededRng } from '@kvasir/kernel'
import { expect, test } from 'vitest'
import { COST_CLASSES, costClass, highestCost } from './cost-class.js'

test('classes rise with the cost, without a gap, and are an eighth wide', () => {
  const rng = new SeededRng(1, 'cost-class')
  const costs = Array.from({ length: 300 }, (_, i) => i)
  for (let bits = 8; bits <= 53; bits++) {
    costs.push(2 ** bits - 1)
    if (bits < 53) costs.push(2 ** bits, 2 ** bits + rng.int(2 ** Math.min(bits, 31)))
  }
  for (const cost of costs) {
    const known = costClass(cost)
    expect(known).toBeLessThan(COST_CLASSES)
    expect(highestCost(known)).toBeGreaterThanOrEqual(cost)
    if (known > 0) expect(highestCost(known - 1)).toBeLessThan(cost)
    expect(highestCost(known)).toBeLessThanOrEqual(cost * 1.125)
  }
})

test('what is not a whole number is no cost', () => {
  for (const cost of [0.5, -1, Infinity, 2 ** 53]) expect(() => costClass(cost)).toThrow(/a cost of/)
})
