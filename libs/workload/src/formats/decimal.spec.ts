import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readScaled, readWhole } from './decimal.js'

const scaled = (text: string, decimals: 0 | 3 | 6 = 6) => readScaled(text, 0, text.length, decimals)
const whole = (text: string) => readWhole(text, 0, text.length)

describe('readScaled', () => {
  it.each([
    ['0', 0],
    ['0.0', 0],
    ['4.314579', 4_314_579],
    ['3501.721937', 3_501_721_937],
    ['1.0000005', 1_000_001],
    ['1.00000049', 1_000_000],
    ['.5', 500_000],
    ['5.', 5_000_000],
    ['5.2e-05', 52],
    ['1e3', 1_000_000_000],
    ['-1.5', -1_500_000],
    ['+2', 2_000_000],
    ['123456789012345', 123_456_789_012_345_000_000],
  ])('reads %s s as %d us', (text, micros) => {
    expect(scaled(text)).toBe(micros)
  })

  it.each(['', '.', 'abc', '1.2.3', '1,5', '0x10', 'NaN', 'Infinity', '1e', '--1', '1 2', '1_000'])(
    'refuses "%s"',
    (text) => {
      expect(scaled(text)).toBeNaN()
    },
  )

  it('is exact for every microsecond of a month', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_592_000 }), fc.integer({ min: 0, max: 999_999 }), (s, us) => {
        expect(scaled(`${s}.${String(us).padStart(6, '0')}`)).toBe(s * 1_000_000 + us)
      }),
    )
  })
})

describe('readWhole', () => {
  it.each([
    ['0', 0],
    ['4808', 4808],
    ['4808.0', 4808],
    ['-3', -3],
    ['1e3', 1000],
    ['99999999999999999999', 1e20],
  ])('reads %s', (text, value) => {
    expect(whole(text)).toBe(value)
  })

  it.each(['', 'abc', '1.5', '12a', '0b1', ' 1'])('refuses "%s"', (text) => {
    expect(whole(text)).toBeNaN()
  })
})
