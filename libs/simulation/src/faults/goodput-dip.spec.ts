import { describe, expect, it } from 'vitest'
import { BUCKET_US, goodputDip } from './goodput-dip.js'

const SECOND = 1_000_000
const PER_SECOND = SECOND / BUCKET_US

/** So many good requests in every quarter of a second. */
function goodputOf(seconds: number, perBucket: (second: number) => number): number[] {
  return Array.from({ length: seconds * PER_SECOND }, (_, i) => perBucket(i / PER_SECOND))
}

describe('goodputDip', () => {
  it('finds nothing where goodput is even', () => {
    const good = goodputOf(120, () => 4)
    expect(goodputDip(good, 45 * SECOND, 120 * SECOND)).toEqual({ backUs: 0, deficit: 0 })
  })

  it('says when a window of five seconds is as before again, and what was missing', () => {
    const good = goodputOf(120, (second) => (second >= 45 && second < 55 ? 0 : 4))
    const { backUs, deficit } = goodputDip(good, 45 * SECOND, 120 * SECOND)
    // Ten seconds without, and 95 % of a window of five after them.
    expect(backUs).toBe(14.75 * SECOND)
    expect(deficit).toBe(10 * PER_SECOND * 4)
  })

  it('knows of no return where there is none, nor of anything where nothing was known of before', () => {
    const good = goodputOf(120, (second) => (second >= 45 ? 0 : 4))
    expect(goodputDip(good, 45 * SECOND, 120 * SECOND).backUs).toBeNull()
    expect(goodputDip(good, 2 * SECOND, 120 * SECOND)).toEqual({ backUs: null, deficit: null })
  })

  it('says nothing of what was missing when the run ended too soon to tell', () => {
    const good = goodputOf(60, () => 4)
    expect(goodputDip(good, 45 * SECOND, 60 * SECOND)).toEqual({ backUs: 0, deficit: null })
  })
})
