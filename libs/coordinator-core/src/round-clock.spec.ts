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

  it('replans at once, and then a quarter of a round after the last replan at the soonest', () => {
    const clock = new RoundClock(100, { phaseUs: 30 })
    clock.begin(30)
    clock.soon(32)
    expect(clock.nextUs).toBe(32)
    clock.begin(32)
    clock.soon(40)
    expect(clock.nextUs).toBe(57)
    clock.begin(57)
    expect([clock.nextUs, clock.number]).toEqual([130, 3])
  })

  it('leaves out a place of the grid that comes right after a replan', () => {
    const clock = new RoundClock(100)
    clock.begin(100)
    clock.soon(180)
    clock.begin(180)
    expect(clock.nextUs).toBe(300)
    clock.soon(190)
    expect(clock.nextUs).toBe(205)
  })
})
