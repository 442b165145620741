import { SeededRng } from '@kvasir/kernel'
import { describe, expect, test } from 'vitest'
import { fitRatioTable } from './fit-grid.js'
import { RatioGrid } from './ratio-grid.js'

const sizes = { name: 'size', knots: [1, 4, 16] }
const others = { name: 'other', knots: [10, 1000] }

describe('RatioGrid', () => {
  const grid = new RatioGrid({ axes: [others, sizes], rows: ['0 200 0', '400 0 -200'] })

  test('returns a knot as it stands, in powers of e', () => {
    expect(grid.at(10, 4)).toBeCloseTo(Math.E, 12)
    expect(grid.at(1000, 16)).toBeCloseTo(1 / Math.E, 12)
  })

  test('is linear between knots in the logarithms of size and ratio', () => {
    expect(grid.at(10, 2)).toBeCloseTo(Math.exp(0.5), 12)
    expect(grid.at(100, 1)).toBeCloseTo(Math.E, 12)
    expect(grid.at(100, 4)).toBeCloseTo(Math.exp(0.5), 12)
  })

  test('holds the nearest knot beyond the ends', () => {
    expect(grid.at(1, 0.1)).toBe(1)
    expect(grid.at(1e9, 1e9)).toBeCloseTo(1 / Math.E, 12)
  })

  test('never accepts a table that lacks a knot', () => {
    expect(() => new RatioGrid({ axes: [sizes], rows: ['0 1'] })).toThrow('2 of 3 knots')
    expect(() => new RatioGrid({ axes: [sizes], rows: ['0 1 x'] })).toThrow('knots')
  })
})

describe('fitRatioTable', () => {
  for (const seed of [1, 2, 3]) {
    test(`finds the table that made the points (seed ${seed})`, () => {
      const rng = new SeededRng(seed, 'fit')
      const rows = others.knots.map(() => sizes.knots.map(() => rng.int(400) - 200).join(' '))
      const truth = new RatioGrid({ axes: [others, sizes], rows })
      const points = Array.from({ length: 400 }, () => {
        const at = [10 + rng.int(990), 1 + rng.int(15)]
        return { sizes: at, ratio: truth.at(...at) }
      })
      const found = new RatioGrid(fitRatioTable([others, sizes], points))
      for (const point of points) expect(found.at(...point.sizes) / point.ratio).toBeCloseTo(1, 1)
    })
  }

  test('fills knots that nobody measured from their neighbours', () => {
    const table = fitRatioTable([sizes], [{ sizes: [1], ratio: Math.E }])
    expect(table.rows).toEqual(['200 200 200'])
  })

  test('takes the middle of measurements that disagree', () => {
    const points = [0.5, 2].map((ratio) => ({ sizes: [4], ratio }))
    expect(fitRatioTable([sizes], points).rows).toEqual(['0 0 0'])
  })

  test('never fits to nothing', () => {
    expect(() => fitRatioTable([sizes], [])).toThrow('no points for a table over size')
  })
})
