import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { Curve } from './curve.js'

const square = (x: number) => x * x

describe('Curve', () => {
  test('is exact at every whole unit below twice its knots an octave', () => {
    const curve = new Curve(square, { largest: 1 << 12, bits: 4 })
    for (let i = 0; i < 32; i++) expect(curve.at(i)).toBe(i * i)
  })

  test('is exact at the knots of every octave', () => {
    const curve = new Curve(square, { largest: 1 << 12, bits: 2 })
    for (const knot of [8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 2048, 2560, 4096])
      expect(curve.at(knot)).toBe(square(knot))
  })

  test('reproduces a straight line everywhere, beyond its end too', () => {
    const curve = new Curve((x) => 3 * x + 7, { largest: 1000, unit: 1 / 8, bits: 5 })
    const rng = new SeededRng(1, 'curve')
    for (let i = 0; i < 1000; i++) {
      const x = rng.uniform() * 10 ** rng.int(12)
      expect(curve.at(x) / (3 * x + 7)).toBeCloseTo(1, 9)
    }
  })

  test.each([1, 2, 3])('keeps a rising function rising and close (seed %d)', (seed) => {
    const value = (x: number) => Math.sqrt(x) + Math.floor(x / 100)
    const curve = new Curve(value, { largest: 1 << 16, bits: 8 })
    const rng = new SeededRng(seed, 'rising')
    const points = Array.from({ length: 2000 }, () => rng.uniform() * (1 << (1 + rng.int(17)))).sort(
      (a, b) => a - b,
    )
    let before = 0
    for (const x of points) {
      const y = curve.at(x)
      expect(y).toBeGreaterThanOrEqual(before)
      before = y
    }
  })

  test('never accepts a range it can not index', () => {
    expect(() => new Curve(square, { largest: 2 ** 31, bits: 4 })).toThrow('a curve of')
    expect(() => new Curve(square, { largest: 0, bits: 4 })).toThrow('a curve of')
  })
})
