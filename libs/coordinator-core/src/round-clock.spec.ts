import { describe, expect, it } from 'vitest'
import { RoundClock } from './round-clock.js'

describe('the clock of rounds', () => {
  it('keeps rounds on a grid, and counts those that nobody was there to run', () => {
    const clock = new RoundClock(100)
    clock.begin(130)
    expect([clock.nextUs, clock.number]).toEqual([200, 2])
    clock.begin(420)
    expect([clock.nextUs, clock.number]).toEqual([500, 5])
  })

  it('has its grid where its pool has it', () => {
    const clock = new RoundClock(100, { phaseUs: 30 })
    clock.begin(20)
    expect(clock.nextUs).toBe(30)
    clock.begin(30)
    expect(clock.nextUs).toBe(130)
  })

  it('replans a quarter of a round after the one before at the soonest, and then goes on with its grid', () => {
    const clock = new RoundClock(100, { phaseUs: 30 })
    clock.begin(30)
    clock.soon(40)
    expect(clock.nextUs).toBe(55)
    clock.begin(55)
    expect(clock.nextUs).toBe(130)
  })
})
