import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textWidth } from './text-width.js'
import {
  linearTicks,
  logTimeTicks,
  niceLogEnds,
  niceStep,
  plain,
  type Tick,
  timeAxis,
  wholeTicks,
  withoutOverlap,
} from './ticks.js'

const size = fc.double({ min: 1e-3, max: 1e9, noNaN: true })
const labels = (ticks: readonly Tick[]) => ticks.map((tick) => tick.label)

describe('ticks', () => {
  it('step by 1, 2, 2.5 or 5 times a power of ten', () => {
    expect([0.7, 1, 1.1, 2.2, 3, 30, 0.0026].map(niceStep)).toEqual([1, 1, 2, 2.5, 5, 50, 0.005])
  })

  it('cover every amount with few steps', () => {
    fc.assert(
      fc.property(size, fc.integer({ min: 2, max: 8 }), (max, count) => {
        const ticks = linearTicks(max, count)
        const top = ticks[ticks.length - 1].value
        expect(top).toBeGreaterThanOrEqual(max * (1 - 1e-9))
        expect(top).toBeLessThan(max * 2.6)
        expect(ticks.length).toBeLessThanOrEqual(count + 1)
      }),
    )
  })

  it('are whole where things are whole', () => {
    expect(wholeTicks(1, 5).map((tick) => tick.value)).toEqual([0, 1])
    expect(wholeTicks(3, 5).map((tick) => tick.value)).toEqual([0, 1, 2, 3])
    expect(wholeTicks(0, 5).map((tick) => tick.value)).toEqual([0, 1])
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), (max) => {
        const ticks = wholeTicks(max, 5)
        expect(ticks[ticks.length - 1].value).toBeGreaterThanOrEqual(max)
        for (const { value } of ticks) expect(Number.isInteger(value)).toBe(true)
      }),
    )
  })

  it('count time like a clock, in the unit of the whole', () => {
    expect(timeAxis(90_000_000, 6).title).toBe('time, s')
    expect(labels(timeAxis(90_000_000, 6).ticks)).toEqual(['0', '15', '30', '45', '60', '75', '90'])
    expect(labels(timeAxis(3_600_000_000, 6).ticks)).toEqual(['0', '10', '20', '30', '40', '50', '60'])
    expect(timeAxis(7 * 86_400_000_000, 7).title).toBe('time, h')
    expect(labels(timeAxis(500, 5).ticks)).toEqual(['0', '100', '200', '300', '400', '500'])
  })

  it('are never more than asked for by half on a time axis', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e14 }), (endUs) => {
        expect(timeAxis(endUs, 8).ticks.length).toBeLessThanOrEqual(9)
      }),
    )
  })

  it('label decades of a long time span and also 2 and 5 of a short one', () => {
    expect(labels(logTimeTicks(1_000, 10_000))).toEqual(['1 ms', '2 ms', '5 ms', '10 ms'])
    expect(labels(logTimeTicks(1_000, 10_000_000)).filter((label) => label !== '')).toEqual([
      '1 ms',
      '10 ms',
      '100 ms',
      '1 s',
      '10 s',
    ])
  })

  it('end a logarithmic axis around what it shows', () => {
    expect(niceLogEnds(34, 1_700)).toEqual([20, 2_000])
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [low, high] = niceLogEnds(Math.min(a, b), Math.max(a, b))
        expect(low).toBeLessThanOrEqual(Math.min(a, b) * (1 + 1e-8))
        expect(high).toBeGreaterThanOrEqual(Math.max(a, b) * (1 - 1e-8))
      }),
    )
  })

  it('never overlap once thinned', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 600 }), { maxLength: 40 }),
        fc.string({ minLength: 1, maxLength: 9 }),
        (positions, label) => {
          const ticks = [...positions].sort((a, b) => a - b).map((value) => ({ value, label }))
          const shown = withoutOverlap(
            ticks,
            (tick) => tick.value,
            (tick) => textWidth(tick.label),
          ).filter((tick) => tick.label !== '')
          for (let i = 1; i < shown.length; i++) {
            expect(shown[i].value - shown[i - 1].value).toBeGreaterThanOrEqual(textWidth(label))
          }
        },
      ),
    )
  })

  it('shorten thousands and millions', () => {
    expect([0, 0.25, 2_500, 10_000, 2_500_000].map(plain)).toEqual(['0', '0.25', '2500', '10k', '2.5M'])
  })
})
