import { SeededRng } from '@kvasir/kernel'
import { expect, test } from 'vitest'
import { Surface } from './surface.js'

const axis = { largest: 4096, unit: 1, bits: 2 }

test('is exact at knots and where the function is linear', () => {
  const plane = new Surface((a, b) => 3 + 2 * a + 5 * b, axis, axis)
  for (const [a, b] of [
    [0, 0],
    [7, 3],
    [1000, 2],
    [4096, 4096],
    [20_000, 100_000],
    [1, 2 ** 31],
  ])
    expect(plane.at(a, b) / (3 + 2 * a + 5 * b)).toBeCloseTo(1, 9)
})

test('stays close to a curved function between knots', () => {
  const surface = new Surface((a, b) => Math.hypot(a, b), axis, { largest: 2 ** 20, unit: 16, bits: 2 })
  expect(surface.at(100, 3000) / Math.hypot(100, 3000)).toBeCloseTo(1, 2)
  expect(surface.at(900, 900) / Math.hypot(900, 900)).toBeCloseTo(1, 1)
})

for (const seed of [1, 2, 3]) {
  test(`never falls along either axis, whatever it was made of (seed ${seed})`, () => {
    const rng = new SeededRng(seed, 'surface')
    const bumpy = new Surface(() => rng.int(1000), axis, axis)
    for (let i = 0; i < 2000; i++) {
      const [a, b] = [rng.int(3900), rng.int(3900)]
      const [moreA, moreB] = [a + rng.int(100), b + rng.int(100)]
      expect(bumpy.at(moreA, moreB)).toBeGreaterThanOrEqual(bumpy.at(a, b) - 1e-9)
    }
  })
}

test('never accepts an axis too long for its knots', () => {
  expect(() => new Surface(() => 0, { largest: 2 ** 40, unit: 1, bits: 2 }, axis)).toThrow('a surface of')
})
