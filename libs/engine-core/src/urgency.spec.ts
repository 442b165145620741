import { describe, expect, it } from 'vitest'
import { commandedIn, EngineUnderTest } from './testing/engine-under-test.js'

const promised = { ttftUs: 1_000_000, tpotUs: 50_000 }

/** What an engine said of its last step when it became ready: see `Urgency`. */
function slacks(engine: EngineUnderTest): (number | undefined)[] {
  return engine.commanded('ready').map(({ slackUs }) => slackUs)
}

describe('an engine whose requests are promised latencies', () => {
  it('says how long its first step can wait: until the rest of the promise is what its prompt takes', () => {
    const engine = new EngineUnderTest({ promised })
    engine.join()
    engine.submit({ promptTokens: 100, outputTokens: 3 })
    // The engine under test reckons with a millisecond a token.
    expect(slacks(engine)).toEqual([900_000])
  })

  it('says so anew when something more urgent comes while it waits for its turn', () => {
    const engine = new EngineUnderTest({ promised }, { order: 'priority' })
    engine.join()
    engine.submit({ promptTokens: 100, outputTokens: 3 })
    engine.now = 100_000
    engine.submit({ promptTokens: 500, outputTokens: 3, priority: 1 })
    engine.submit({ promptTokens: 100, outputTokens: 3, priority: 2 })
    expect(slacks(engine)).toEqual([900_000, 500_000])
  })

  it('is due a token at an even pace, a fifth faster than promised, and less the time of its step', () => {
    const engine = new EngineUnderTest({ promised })
    engine.join()
    engine.submit({ promptTokens: 100, outputTokens: 5 })
    engine.run(2)
    // 40 ms after the end of a step that takes 20.
    expect(slacks(engine).slice(1)).toEqual([20_000, 20_000])
  })

  it('hurries after a late token, until it is as far behind as four, which is late for good', () => {
    const engine = new EngineUnderTest({ promised })
    engine.join()
    engine.submit({ promptTokens: 100, outputTokens: 9 })
    engine.run(2)
    engine.stepUs = 100_000
    engine.run(1)
    expect(slacks(engine).at(-1)).toBeLessThan(0)
    engine.stepUs = 400_000
    engine.run(1)
    expect(slacks(engine).at(-1)).toBeGreaterThan(-400_000)
  })

  it('is in no hurry for a first token that is late already', () => {
    const engine = new EngineUnderTest({ promised: { ...promised, tpotUs: undefined } })
    engine.submit({ promptTokens: 100, outputTokens: 3 })
    engine.now = 950_000
    engine.join()
    expect(commandedIn(engine.log, 'ready')).toMatchObject([{ claim: 1 }])
    expect(slacks(engine)).toEqual([undefined])
  })
})

it('says nothing of the kind when nothing is promised', () => {
  const engine = new EngineUnderTest()
  engine.join()
  engine.submit({ promptTokens: 100, outputTokens: 3 })
  engine.run(2)
  expect(slacks(engine)).toEqual([undefined, undefined, undefined])
})
