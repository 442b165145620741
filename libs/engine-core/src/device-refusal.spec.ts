import { describe, expect, it } from 'vitest'
import { bundleTokens, commandedIn, EngineUnderTest, ofKind } from './testing/engine-under-test.js'

function working(): EngineUnderTest {
  const engine = new EngineUnderTest()
  engine.join()
  engine.submit({ promptTokens: 50, outputTokens: 20 })
  engine.submit({ promptTokens: 50, outputTokens: 20 })
  engine.run(3)
  return engine
}

/** All sequences are answered in full, each token counted once. */
function expectAllServed(engine: EngineUnderTest): void {
  engine.run()
  expect(engine.machine.scheduler.unfinishedCount).toBe(0)
  for (const slot of [0, 1]) expect(engine.machine.scheduler.outputTokens(slot)).toBe(20)
}

describe('a device that a new owner has fenced', () => {
  it('refuses a step: its sequences wait again, and run on when a document brings the new epoch', () => {
    const engine = working()
    // The turn was given before the fence came.
    const plan = engine.give({ kind: 'turn', engine: 'a' })
    expect(commandedIn(plan, 'execute')).toHaveLength(1)
    const refused = engine.give({ kind: 'refused', engine: 'a', command: 'execute', reason: 'stale_epoch' })
    expect(ofKind(refused, 'preempted')).toEqual([
      { kind: 'preempted', slots: [0, 1], cause: { kind: 'device_refused', reason: 'stale_epoch' } },
    ])
    expect(commandedIn(refused, 'pass')).toHaveLength(1)
    expect(commandedIn(refused, 'ready')).toEqual([])
    const { scheduler } = engine.machine
    expect(scheduler.waitingCount).toBe(2)
    expect(scheduler.outputTokens(0)).toBe(3)
    expect(commandedIn(engine.document({ epoch: 2 }), 'ready')).toMatchObject([{ epoch: 2 }])
  })

  it('loses no sequence and no token, whatever it refused first', () => {
    for (const startedFirst of [false, true]) {
      const engine = working()
      if (startedFirst) engine.startStep()
      engine.deviceEpoch = 2
      if (startedFirst) engine.endStep()
      expect(engine.run()).toBe(0)
      engine.document({ epoch: 2 })
      expectAllServed(engine)
    }
  })

  it('refuses a turn: the engine waits for a document, then asks again', () => {
    const engine = working()
    engine.deviceEpoch = 2
    expect(engine.run()).toBe(0)
    const ready = engine.commanded('ready').length
    // The device still counts on the engine whose step ended: it must pass, or nobody else gets a turn.
    expect(engine.commanded('pass')).toHaveLength(1)
    engine.advanceTo(1_000_000)
    expect(engine.commanded('ready')).toHaveLength(ready)
    engine.document({ epoch: 2 })
    expectAllServed(engine)
  })

  it('refuses to map: nothing is stopped for a step that would be refused too', () => {
    const engine = new EngineUnderTest()
    engine.join()
    engine.submit({ promptTokens: 2 * bundleTokens, outputTokens: 5 })
    engine.deviceEpoch = 2
    engine.give({ kind: 'turn', engine: 'a' })
    const refused = engine.give({ kind: 'refused', engine: 'a', command: 'map', reason: 'stale_epoch' })
    expect(refused).toEqual([{ kind: 'device', command: { kind: 'pass', engine: 'a', incarnation: 1 } }])
    expect(engine.machine.scheduler.waitingCount).toBe(1)
  })

  it('is asked again after the back-off even if no document comes', () => {
    const engine = working()
    engine.deviceEpoch = 2
    engine.run()
    engine.deviceEpoch = 1
    engine.advanceTo(3_000_000)
    expectAllServed(engine)
  })
})

describe('a device without free bundles', () => {
  it('lets the engine run what it has room for, and is asked again after the step', () => {
    const engine = new EngineUnderTest()
    engine.free = [0, 1]
    engine.join()
    engine.submit({ promptTokens: bundleTokens, outputTokens: 5 })
    engine.submit({ promptTokens: bundleTokens - 10, outputTokens: 5 })
    engine.run(2)
    engine.free = [2, 3]
    expect(engine.run()).toBeGreaterThan(0)
    expect(engine.machine.scheduler.unfinishedCount).toBe(0)
  })

  it('is asked once a turn, and the engine passes if it can run nothing at all', () => {
    const engine = new EngineUnderTest()
    engine.free = []
    engine.join()
    const slot = engine.submit({ promptTokens: 20, outputTokens: 5 })
    expect(engine.run()).toBe(0)
    expect(engine.commanded('map')).toHaveLength(1)
    expect(engine.commanded('pass')).toHaveLength(1)
    engine.free = [7]
    engine.advanceTo(2_000_000)
    expect(engine.run()).toBe(5)
    expect(engine.machine.scheduler.outputTokens(slot)).toBe(5)
  })
})

describe('an answer that concerns nobody', () => {
  it('changes nothing', () => {
    const engine = working()
    for (const command of ['map', 'execute', 'unmap', 'pass', 'close'] as const)
      expect(engine.give({ kind: 'refused', engine: 'a', command, reason: 'not_open' })).toEqual([])
    expect(engine.give({ kind: 'fenced', epoch: 2, held: [] })).toEqual([])
    expectAllServed(engine)
  })

  it('is a fault of the driver if it is about a step that was not run, or bundles that were not asked for', () => {
    const executed = { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 1 } as const
    expect(() => working().give(executed)).toThrow('heard of a step it did not run')
    expect(() => working().give({ kind: 'mapped', engine: 'a', bundles: [40] })).toThrow('did not ask for')
  })
})

describe('a line to the device that was lost and is there again', () => {
  const mapped = (engine: EngineUnderTest) => engine.machine.pool.mappedIds()

  it('brings the end of a step that was under way, and no token is lost or doubled', () => {
    const engine = working()
    engine.startStep()
    expect(commandedIn(engine.give({ kind: 'attach' }), 'attach')).toMatchObject([{ step: 4 }])
    const answer = { kind: 'attached', engine: 'a', bundles: mapped(engine) } as const
    expect(ofKind(engine.give({ ...answer, stepKnown: true }), 'preempted')).toEqual([])
    engine.endStep()
    expectAllServed(engine)
  })

  it('has a step that was never begun planned anew', () => {
    const engine = working()
    engine.startStep()
    engine.give({ kind: 'attach' })
    const bundles = mapped(engine)
    const effects = engine.give({ kind: 'attached', engine: 'a', bundles, stepKnown: false })
    expect(ofKind(effects, 'preempted')).toHaveLength(1)
    expect(commandedIn(effects, 'ready')).toHaveLength(1)
    expectAllServed(engine)
  })

  it('gives back what was mapped without its knowing', () => {
    const engine = working()
    const bundles = [...mapped(engine), 40, 41]
    const effects = engine.give({ kind: 'attached', engine: 'a', bundles, stepKnown: false })
    expect(commandedIn(effects, 'unmap')).toMatchObject([{ bundles: [40, 41] }])
  })

  it('is of no use to a run whose bundles the device does not have', () => {
    const engine = working()
    const forgotten = [{ kind: 'forgotten' }]
    const none = engine.give({ kind: 'attached', engine: 'a', bundles: [], stepKnown: false })
    expect(ofKind(none, 'forgotten')).toEqual(forgotten)
    const refused = engine.give({ kind: 'refused', engine: 'a', command: 'attach', reason: 'not_open' })
    expect(ofKind(refused, 'forgotten')).toEqual(forgotten)
  })
})
