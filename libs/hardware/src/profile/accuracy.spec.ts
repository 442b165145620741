import { expect, test } from 'vitest'
import { accuracyOf } from './accuracy.js'
import { MeasuredTable } from './measured-table.js'

test('tells errors relative to what was measured, and names the worst', () => {
  const predictions = [110, 90, 100, 150].map((predictedUs, i) => ({
    measuredUs: 100,
    predictedUs,
    at: () => `point ${i}`,
  }))
  const accuracy = accuracyOf(predictions)
  expect(accuracy.points).toBe(4)
  expect(accuracy.mape).toBeCloseTo(0.175, 12)
  expect(accuracy.bias).toBeCloseTo(0.125, 12)
  expect(accuracy.p90).toBeCloseTo(0.5, 12)
  expect(accuracy.worst.at).toBe('point 3')
})

test('reads columns by name and refuses those that are not there', () => {
  const table = MeasuredTable.parse('dtype,us\nfp8,1.5\nbf16,2\n')
  expect(table.length).toBe(2)
  expect(table.text(1, 'dtype')).toBe('bf16')
  expect(table.number(0, 'us')).toBe(1.5)
  expect(() => table.text(0, 'ms')).toThrow('no column ms; there are dtype, us')
})
