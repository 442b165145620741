import { expect, test } from 'vitest'
import { LOAD_WARNING, regimeOf } from './regime.js'

test('names how near saturation a load is', () => {
  expect([0, 0.6, 0.7, LOAD_WARNING, 0.95, 1, 3].map((load) => regimeOf(load))).toEqual([
    'light',
    'light',
    'busy',
    'busy',
    'near saturation',
    'saturated',
    'saturated',
  ])
})

test('believes a queue that grows more than an estimate of the load', () => {
  expect(regimeOf(0.5, 0.2)).toBe('saturated')
  expect(regimeOf(0.5, 0.01)).toBe('light')
})
