import { expect, test } from 'vitest'
import { Trend } from './trend.js'

test('finds the slope of a line, whatever its height', () => {
  const trend = new Trend()
  for (const time of [0, 1, 4, 9]) trend.add(time, 100 + 2.5 * time)
  expect(trend.slope).toBeCloseTo(2.5, 12)
})

test('has no slope before two different times', () => {
  const trend = new Trend()
  expect(trend.slope).toBe(0)
  trend.add(3, 7)
  trend.add(3, 9)
  expect(trend.slope).toBe(0)
})

test('merging two is the same as adding everything to one', () => {
  const [whole, first, second] = [new Trend(), new Trend(), new Trend()]
  for (const [index, time] of [1, 2, 5, 7, 8].entries()) {
    const value = (time * 37) % 11
    whole.add(time, value)
    if (index < 2) first.add(time, value)
    else second.add(time, value)
  }
  first.merge(second)
  expect(first.slope).toBe(whole.slope)
})
