import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDateTime } from './date-time.js'

const read = (text: string) => readDateTime(text, 0, text.length)

describe('readDateTime', () => {
  it('reads the timestamps of both Azure releases', () => {
    expect(read('2023-11-16 18:17:03.9799600')).toBe(Date.UTC(2023, 10, 16, 18, 17, 3) * 1_000 + 979_960)
    expect(read('2024-05-10 00:00:00.009930+00:00')).toBe(Date.UTC(2024, 4, 10) * 1_000 + 9_930)
  })

  it('rounds the seventh digit half up', () => {
    const whole = Date.UTC(2024, 0, 1) * 1_000
    expect(read('2024-01-01 00:00:00.0000015')).toBe(whole + 2)
    expect(read('2024-01-01 00:00:00.0000014')).toBe(whole + 1)
    expect(read('2024-01-01 00:00:00.9999999')).toBe(whole + 1_000_000)
  })

  it('takes a zone off the local time', () => {
    expect(read('2024-01-01T02:30:00+02:30')).toBe(read('2024-01-01 00:00:00'))
    expect(read('2023-12-31T19:00:00-0500')).toBe(read('2024-01-01 00:00:00Z'))
  })

  it.each([
    '2024-13-01 00:00:00',
    '2024-02-30 00:00:00',
    '2023-02-29 00:00:00',
    '2024-01-01 24:00:00',
    '2024-01-01 00:60:00',
    '2024-01-01 00:00:60',
    '2024-01-01 00:00:00.',
    '2024-01-01 00:00:00+2',
    '2024-01-01 00:00:00 extra',
    '2024-01-01x00:00:00',
    '2024/01/01 00:00:00',
    '2024-01-01',
    'x024-01-01 00:00:00',
    '',
  ])('refuses "%s"', (text) => {
    expect(read(text)).toBeNaN()
  })

  it('agrees with the platform about every day from 1970 to 2200', () => {
    const last = Date.UTC(2200, 0, 1)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: last }), (millis) => {
        expect(read(new Date(millis).toISOString())).toBe(millis * 1_000)
      }),
    )
  })
})
