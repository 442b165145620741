import { describe, expect, it } from 'vitest'
import { EngineUnderTest } from './testing/engine-under-test.js'

/** A token is due 80 ms after the one before it, and a step takes 20: it is early while more than 20 of the 60 ms before it are left. */
const promised = { ttftUs: 1_000_000, tpotUs: 100_000 }
const budget = { round: 1, tokens: 100, lentTokens: 0, floor: 100 }

function claims(engine: EngineUnderTest): number[] {
  return engine.commanded('ready').map(({ claim }) => claim)
}

describe('an engine that is ahead of the pace it promised', () => {
  it('asks without a claim, and with one as soon as its step is due', () => {
    const engine = new EngineUnderTest({ promised, nominalRate: 1_000 })
    engine.join({ budget })
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    engine.run(1)
    expect(claims(engine)).toEqual([1, 0])
    engine.advanceTo(20_000 + 39_999)
    expect(claims(engine)).toEqual([1, 0])
    engine.advanceTo(20_000 + 40_000)
    // The prompt cost a fifth of the round.
    expect(claims(engine)).toEqual([1, 0, 0.8])
  })

  it('pays nothing for such steps, so that a prompt finds the budget as it was', () => {
    const engine = new EngineUnderTest({ promised, nominalRate: 1_000 })
    engine.join({ budget })
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    engine.run(4)
    expect(claims(engine)).toEqual([1, 0, 0, 0, 0])
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    expect(claims(engine).at(-1)).toBe(0.8)
  })

  it('claims a step as long as a prompt is to be computed, be it late for good', () => {
    const engine = new EngineUnderTest({ promised, nominalRate: 10_000 }, { stepTokenLimit: 50 })
    engine.join({ budget })
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    engine.run(1)
    engine.submit({ promptTokens: 180, outputTokens: 1 })
    engine.stepUs = 1_500_000
    engine.run(3)
    expect(claims(engine).slice(0, 2)).toEqual([1, 0])
    expect(Math.min(...claims(engine).slice(2))).toBeGreaterThan(0)
  })

  it('claims every step without a promised pace', () => {
    const engine = new EngineUnderTest({ promised: { ttftUs: 1_000_000, tpotUs: undefined } })
    engine.join()
    engine.submit({ promptTokens: 20, outputTokens: 5 })
    engine.run()
    expect(Math.min(...claims(engine))).toBeGreaterThan(0)
  })

  it('says so ahead of time where the device is a message away, and claims while it waits', () => {
    const engine = new EngineUnderTest({ promised, nominalRate: 1_000, asksAhead: true })
    engine.join({ budget })
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    engine.run(1)
    expect(engine.commanded('execute').map(({ next }) => next?.claim)).toEqual([0])
    expect(claims(engine)).toEqual([1])
    engine.advanceTo(20_000 + 40_000)
    expect(claims(engine)).toEqual([1, 0.8])
  })

  it('claims while it waits whatever the budget was when it asked', () => {
    const engine = new EngineUnderTest({ promised, nominalRate: 1_000 })
    engine.join({ budget: { ...budget, tokens: 10 } })
    engine.submit({ promptTokens: 20, outputTokens: 9 })
    engine.run(1)
    // Due after 60 ms and without a budget until the round is over: 20 tokens were spent of 10.
    engine.advanceTo(99_999)
    expect(claims(engine)).toEqual([1, 0])
    engine.document({ budget: { ...budget, tokens: 100 } })
    expect(claims(engine)).toEqual([1, 0, 0.8])
  })
})
