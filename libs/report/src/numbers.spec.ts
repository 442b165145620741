import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duration, grouped, significant, styleFor, times, withUnit } from './numbers.js'

describe('numbers for people', () => {
  it('have three significant digits and keep thousands apart', () => {
    expect([0, 0.01234, 1.234, 12.34, 99.96, 123.4, 12_345.6, -1.5].map(significant)).toEqual([
      '0',
      '0.0123',
      '1.23',
      '12.3',
      '100',
      '123',
      '12,346',
      '-1.50',
    ])
  })

  it('are read back within half a per cent', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-4, max: 1e12, noNaN: true }), (value) => {
        const read = Number(significant(value).replaceAll(',', ''))
        expect(Math.abs(read - value)).toBeLessThanOrEqual(value * 0.0051)
      }),
    )
  })

  it('group whole numbers by three', () => {
    expect([0, 999, 1_000, 1_234_567, -12_345].map(grouped)).toEqual([
      '0',
      '999',
      '1,000',
      '1,234,567',
      '-12,345',
    ])
  })

  it('show times in the unit that suits them', () => {
    expect([0, 640, 12_300, 1_500_000, 599_000_000, 612_000_000, 20_000_000_000].map(duration)).toEqual([
      '0 µs',
      '640 µs',
      '12.3 ms',
      '1.50 s',
      '599 s',
      '10.2 min',
      '5.56 h',
    ])
  })

  it('show times of one row in one unit, that of the smallest unless the largest grows too long', () => {
    const row = (values: number[]) => {
      const style = styleFor('us', values)
      return values.map((value) => style.write(value) + style.suffix)
    }
    expect(row([120_000, 2_300_000])).toEqual(['120 ms', '2,300 ms'])
    expect(row([120_000, 23_000_000])).toEqual(['0.120 s', '23.0 s'])
  })

  it('show shares with the digits that tell them apart near the ends', () => {
    expect([0, 0.5, 0.9996, 1].map((share) => withUnit('share', share))).toEqual([
      '0 %',
      '50.0 %',
      '99.96 %',
      '100 %',
    ])
  })

  it('show ratios shorter the larger they are', () => {
    expect([1.5, 12.34, 1_234].map(times)).toEqual(['1.50×', '12×', '1,234×'])
  })
})
