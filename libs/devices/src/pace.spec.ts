import { SeededRng } from '@kvasir/kernel'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pace } from './pace.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/**
 * How long a number of steps took, one after another, on a machine whose timers come so late, in us. Like Node's, they count whole
 * milliseconds.
 */
function timeTaken(steps: readonly number[], lateness: () => number): number {
  let lateUs = 0
  const clock = { now: () => performance.now() * 1_000 + lateUs }
  const { setTimeout: timeout, setImmediate: immediate } = globalThis
  const late = (act: () => void) => () => {
    lateUs += lateness()
    act()
  }
  vi.stubGlobal('setTimeout', (act: () => void, ms: number) =>
    timeout(late(act), Math.max(1, Math.trunc(ms))),
  )
  vi.stubGlobal('setImmediate', (act: () => void) => immediate(late(act)))
  const pace = new Pace(clock)
  const startUs = clock.now()
  let left = steps.length
  const next = () =>
    pace.after(steps[steps.length - left], () => {
      left--
      if (left > 0) next()
    })
  next()
  vi.runAllTimers()
  expect(left).toBe(0)
  return clock.now() - startUs
}

describe('Pace', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
    'is right on average, however late timers come (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'pace')
      const steps = Array.from({ length: 2_000 }, () => 200 + rng.int(30_000))
      const mostLateUs = 1 + rng.int(8_000)
      const wantedUs = steps.reduce((sum, us) => sum + us, 0)
      const takenUs = timeTaken(steps, () => rng.int(mostLateUs))
      expect(Math.abs(takenUs - wantedUs)).toBeLessThan(60_000)
    },
  )

  it('does not catch up with a long stop', () => {
    let stopped = false
    const takenUs = timeTaken(new Array<number>(100).fill(10_000), () => {
      if (stopped) return 0
      stopped = true
      return 10_000_000
    })
    expect(takenUs).toBeGreaterThan(10_000_000 + 900_000)
  })

  it('calls nothing any more once it is stopped', () => {
    const pace = new Pace({ now: () => performance.now() * 1_000 })
    let called = 0
    pace.after(5_000, () => called++)
    pace.after(10, () => called++)
    pace.stop()
    vi.runAllTimers()
    expect(called).toBe(0)
  })
})
