import { describe, expect, it } from 'vitest'
import { attainmentOfAll, meetsSlo, SloTally, sloLimits } from './slo-tally.js'
import { WaitingTally } from './waiting.js'

const quick = { ttftUs: 100_000, tpotUs: 20_000, e2eUs: 1_000_000 }
const slow = { ttftUs: 900_000, tpotUs: 20_000, e2eUs: 2_000_000 }

describe('service level objectives', () => {
  it('are met at the limit and missed above it', () => {
    expect(meetsSlo({ ttftUs: 100_000 }, quick)).toBe(true)
    expect(meetsSlo({ ttftUs: 99_999 }, quick)).toBe(false)
  })

  it('must all be met', () => {
    expect(meetsSlo({ ttftUs: 100_000, e2eUs: 999_999 }, quick)).toBe(false)
  })

  it('do not ask a request of one token for a time between tokens', () => {
    expect(meetsSlo({ tpotUs: 1 }, { ...quick, tpotUs: undefined })).toBe(true)
  })

  it('are read from a scenario in milliseconds', () => {
    expect(sloLimits({ ttftMs: 0.5, e2eMs: 2_000 })).toEqual({
      ttftUs: 500,
      tpotUs: undefined,
      e2eUs: 2_000_000,
    })
  })

  it('count a rejected or unfinished request as missed', () => {
    const tally = new SloTally({ ttftUs: 500_000 })
    tally.finished(quick)
    tally.finished(slow)
    tally.missed(2)
    expect([tally.met, tally.total, tally.attainment()]).toEqual([1, 4, 0.25])
  })

  it('give goodput in requests a second of the given time', () => {
    const tally = new SloTally({ ttftUs: 500_000 })
    tally.finished(quick)
    tally.finished(quick)
    tally.finished(slow)
    expect(tally.goodputPerSecond(4_000_000)).toBe(0.5)
    expect(tally.goodputPerSecond(0)).toBe(0)
  })

  it('have no attainment when none is set, but every finished request is goodput', () => {
    const tally = new SloTally({})
    tally.finished(slow)
    expect(tally.attainment()).toBeUndefined()
    expect(tally.goodputPerSecond(1_000_000)).toBe(1)
  })

  it('add up over models whose limits differ', () => {
    const strict = new SloTally({ ttftUs: 50_000 })
    const loose = new SloTally({ ttftUs: 5_000_000 })
    strict.finished(quick)
    loose.finished(slow)
    expect(attainmentOfAll([strict, loose])).toBe(0.5)
    expect(attainmentOfAll([new SloTally({})])).toBeUndefined()
  })
})

describe('waiting', () => {
  it('is weighted by the weight of the model, and adds up when merged', () => {
    const waiting = new WaitingTally()
    waiting.started({ waitUs: 100, weight: 3 })
    waiting.started({ waitUs: 200, weight: 1 })
    expect(waiting.weightedWaitUs).toBe(500)
    const twice = new WaitingTally()
    twice.merge(waiting)
    twice.merge(waiting)
    expect(twice.weightedWaitUs).toBe(1000)
  })

  it('has a weighted turnaround of what finished, which adds up when merged', () => {
    const waiting = new WaitingTally()
    waiting.finished({ turnaroundUs: 300, weight: 2 })
    waiting.finished({ turnaroundUs: 50, weight: 1 })
    const twice = new WaitingTally()
    twice.merge(waiting)
    twice.merge(waiting)
    expect([waiting.weightedTurnaroundUs, twice.weightedTurnaroundUs]).toEqual([650, 1300])
  })

  it('has a makespan from the first arrival to the last end, 0 before anything ended', () => {
    const waiting = new WaitingTally()
    waiting.arrived(50)
    waiting.arrived(20)
    expect(waiting.makespanUs).toBe(0)
    waiting.ended(120)
    waiting.ended(90)
    expect(waiting.makespanUs).toBe(100)
  })
})
