import { describe, expect, it } from 'vitest'
import { bundleTokens, commandedIn, EngineUnderTest, ofKind, sentIn } from './testing/engine-under-test.js'

describe('an engine that starts', () => {
  it('opens its model on the device, joins its pool, and reports at once', () => {
    const engine = new EngineUnderTest()
    const effects = engine.give({ kind: 'start' })
    expect(effects).toEqual([
      {
        kind: 'device',
        command: {
          kind: 'open',
          engine: 'a',
          incarnation: 1,
          model: 'm',
          blockBytesPerRank: 1_000,
          share: 0.5,
        },
      },
      { kind: 'send', message: { kind: 'join', engine: 'a', incarnation: 1, number: 1, model: 'm' } },
    ])
    expect(engine.machine.nextDeadline()).toBe(0)
    const [heartbeat] = sentIn(engine.give({ kind: 'wake' }), 'heartbeat')
    expect(heartbeat).toMatchObject({
      beat: 1,
      epoch: 0,
      held: 0,
      inUse: 0,
      lowestPriority: null,
      supply: [],
    })
    expect(engine.machine.nextDeadline()).toBe(500_000)
  })

  it('asks for no turn before a document makes it a member', () => {
    const engine = new EngineUnderTest()
    engine.submit({ promptTokens: 10, outputTokens: 2 })
    engine.give({ kind: 'start' })
    engine.give({ kind: 'wake' })
    expect(engine.document({ member: false })).toEqual([])
    expect(commandedIn(engine.document(), 'ready')).toHaveLength(1)
  })
})

describe('an engine that serves', () => {
  it('answers a request step by step, with the memory that it needs and its lease allows', () => {
    const engine = new EngineUnderTest()
    engine.join()
    engine.submit({ promptTokens: 3 * bundleTokens, outputTokens: 5 })
    expect(engine.run()).toBe(5)
    const steps = ofKind(engine.log, 'stepped')
    expect(steps.map(({ startedUs, finishedUs }) => finishedUs - startedUs)).toEqual(Array(5).fill(20_000))
    // Three full bundles for the prompt, and a fourth for the first token beyond.
    expect(engine.commanded('map').map(({ bundles }) => bundles)).toEqual([3, 1])
    expect(engine.machine.scheduler.unfinishedCount).toBe(0)
    expect(engine.commanded('pass')).toHaveLength(1)
  })

  it('refuses what its limit can never hold, and ends what a lower limit makes impossible', () => {
    const engine = new EngineUnderTest()
    engine.join({ limitBundles: 4 })
    expect(engine.submit({ promptTokens: 4 * bundleTokens, outputTokens: 10 })).toBe(-1)
    expect(ofKind(engine.log, 'refused')).toMatchObject([{ id: 's1', reason: 'exceeds_lease' }])
    const slot = engine.submit({ promptTokens: 2 * bundleTokens, outputTokens: 10 })
    expect(ofKind(engine.document({ limitBundles: 2 }), 'ended')).toEqual([
      { kind: 'ended', slot, reason: 'exceeds_lease' },
    ])
    expect(engine.run()).toBe(0)
  })

  it('takes a request that arrives while its turn is awaited into the very next step', () => {
    const engine = new EngineUnderTest()
    engine.join()
    const first = engine.submit({ promptTokens: 20, outputTokens: 2 })
    const second = engine.submit({ promptTokens: 20, outputTokens: 2 })
    engine.run(1)
    expect(engine.steps).toEqual([[first, second]])
  })

  it('passes a turn for which nothing is left to run', () => {
    const engine = new EngineUnderTest()
    engine.join()
    const slot = engine.submit({ promptTokens: 20, outputTokens: 2 })
    engine.give({ kind: 'abort', slot })
    expect(commandedIn(engine.give({ kind: 'turn', engine: 'a' }), 'pass')).toHaveLength(1)
  })

  it('passes a turn for which there is no memory, and tries again after the back-off', () => {
    const engine = new EngineUnderTest()
    engine.join({ leaseBundles: 1 })
    engine.submit({ promptTokens: 2 * bundleTokens, outputTokens: 2 })
    expect(engine.run()).toBe(0)
    expect(engine.commanded('pass')).toHaveLength(1)
    engine.advanceTo(1_999_999)
    expect(engine.commanded('ready')).toHaveLength(1)
    engine.advanceTo(2_000_000)
    expect(engine.commanded('ready')).toHaveLength(2)
  })

  it('ends what waits in vain before a step, where it is told to, and lets it wait on where not', () => {
    for (const shedUnreachable of [true, false]) {
      const engine = new EngineUnderTest({}, { shedUnreachable, sequenceLimit: 1 })
      engine.join()
      engine.submit({ promptTokens: 20, outputTokens: 2 })
      const late = engine.submit({ promptTokens: 20, outputTokens: 2, deadlineUs: 1_000_000 })
      engine.startStep()
      engine.now = 2_000_000
      engine.endStep()
      engine.run()
      const ends = ofKind(engine.log, 'ended')
      expect(ends).toEqual(
        shedUnreachable ? [{ kind: 'ended', slot: late, reason: 'deadline_unreachable' }] : [],
      )
      expect(engine.steps.flat().includes(late)).toBe(!shedUnreachable)
      expect(engine.machine.scheduler.unfinishedCount).toBe(0)
    }
  })

  it('leaves the device to others when a step ends and it is a member no more', () => {
    const engine = new EngineUnderTest()
    engine.join()
    engine.submit({ promptTokens: 20, outputTokens: 5 })
    engine.startStep()
    engine.document({ member: false })
    expect(commandedIn(engine.endStep(), 'pass')).toHaveLength(1)
  })

  it('ends an aborted sequence once, even while its step runs', () => {
    const engine = new EngineUnderTest()
    engine.join()
    const slot = engine.submit({ promptTokens: 20, outputTokens: 5 })
    engine.startStep()
    expect(ofKind(engine.give({ kind: 'abort', slot }), 'ended')).toEqual([
      { kind: 'ended', slot, reason: 'aborted' },
    ])
    expect(engine.give({ kind: 'abort', slot })).toEqual([])
    engine.endStep()
    expect(ofKind(engine.log, 'stepped').at(-1)?.outcome.tokenCount).toBe(0)
  })
})

describe('an engine whose device is a message away', () => {
  it('asks for memory and for its next turn while a step runs, and for neither when all ends with the step', () => {
    const engine = new EngineUnderTest({ asksAhead: true })
    engine.join()
    engine.submit({ promptTokens: 3 * bundleTokens, outputTokens: 3 })
    // The memory before the turn: both are under way together.
    expect(engine.log.flatMap((effect) => (effect.kind === 'device' ? [effect.command.kind] : []))).toEqual([
      'open',
      'map',
      'ready',
    ])
    expect(engine.run()).toBe(3)
    expect(engine.commanded('ready')).toHaveLength(1)
    expect(engine.commanded('execute').map(({ next }) => next !== undefined)).toEqual([true, true, false])
    expect(engine.commanded('pass')).toHaveLength(1)
  })

  it('says what it will ask of its next turn as it will be when the step has ended', () => {
    const budget = { round: 1, tokens: 100, lentTokens: 0, floor: 100 }
    const engine = new EngineUnderTest({ asksAhead: true, nominalRate: 1_000 })
    engine.join({ budget })
    engine.submit({ promptTokens: 250, outputTokens: 3 })
    engine.startStep()
    // 20 ms are worth 20 tokens of 100.
    expect(engine.commanded('execute').map(({ next }) => next)).toEqual([{ claim: 0.8 }])
    engine.endStep()
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1])
  })

  it('begins after a pause without a turn, and asks for one when the device is not free', () => {
    const engine = new EngineUnderTest({ asksAhead: true })
    engine.join()
    engine.submit({ promptTokens: 20, outputTokens: 2 })
    engine.run()
    engine.submit({ promptTokens: 20, outputTokens: 2 })
    expect(engine.commanded('execute').at(-1)?.ifFree).toBe(true)
    expect(engine.commanded('ready')).toHaveLength(1)
    engine.run()
    const before = engine.log.length
    engine.submit({ promptTokens: 20, outputTokens: 2 })
    engine.give({ kind: 'refused', engine: 'a', command: 'execute', reason: 'not_your_turn' })
    const after = engine.log.slice(before)
    expect(commandedIn(after, 'ready')).toHaveLength(1)
    // Nobody was stopped: the step had not begun.
    expect(ofKind(after, 'preempted')).toEqual([])
    expect(commandedIn(after, 'pass')).toEqual([])
  })
})

describe('the budget of an engine', () => {
  const budget = { round: 1, tokens: 100, lentTokens: 0, floor: 100 }

  it('is claimed to the share that is left, and what a step overdraws is owed by the next rounds', () => {
    const engine = new EngineUnderTest({ nominalRate: 20_000 })
    engine.join({ budget })
    engine.submit({ promptTokens: 250, outputTokens: 2 })
    engine.run(1)
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0])
    // 250 of 100 are spent: 150 are owed after a round, 50 after two, of which 100 - 50 may be spent again.
    engine.advanceTo(199_999)
    expect(engine.commanded('ready').at(-1)?.claim).toBe(0)
    engine.advanceTo(200_000)
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0, 0.5])
  })

  it('is charged no more for a step than its time is worth at the rate by which budgets are divided', () => {
    const engine = new EngineUnderTest({ nominalRate: 1_000 })
    engine.join({ budget })
    // 20 ms for 250 tokens, of an engine that computes 1,000 a second.
    engine.submit({ promptTokens: 250, outputTokens: 2 })
    engine.run(1)
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0.8])
  })

  it('is claimed anew at the end of every round by an engine that still waits', () => {
    const engine = new EngineUnderTest({ nominalRate: 1_000 })
    engine.join({ budget })
    engine.submit({ promptTokens: 250, outputTokens: 3 })
    engine.run(1)
    engine.advanceTo(99_999)
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0.8])
    engine.advanceTo(100_000)
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0.8, 1])
    engine.advanceTo(200_000)
    expect(engine.commanded('ready')).toHaveLength(3)
  })

  it('is not charged for steps that run as a courtesy', () => {
    const engine = new EngineUnderTest()
    engine.join({ budget })
    engine.submit({ promptTokens: 150, outputTokens: 5 })
    engine.run()
    expect(engine.commanded('ready').map(({ claim }) => claim)).toEqual([1, 0, 0, 0, 0])
    // Four courtesy steps later, only the 150 of the first step are counted.
    engine.advanceTo(100_000)
    engine.submit({ promptTokens: 10, outputTokens: 1 })
    expect(engine.commanded('ready').at(-1)?.claim).toBe(0.5)
  })

  it('is reported as spent in full', () => {
    const engine = new EngineUnderTest()
    engine.join({ budget })
    engine.submit({ promptTokens: 150, outputTokens: 5 })
    engine.run()
    engine.advanceTo(500_000)
    expect(engine.sent('heartbeat').at(-1)?.spentTokens).toBe(154)
  })
})

describe('an engine that stops', () => {
  it('ends every sequence once, gives everything back, says so, and hears nothing more', () => {
    const engine = new EngineUnderTest({}, { sequenceLimit: 2 })
    engine.join()
    const slots = [1, 2, 3].map(() => engine.submit({ promptTokens: 50, outputTokens: 9 }))
    engine.run(2)
    engine.startStep()
    const effects = engine.give({ kind: 'stop' })
    expect(ofKind(effects, 'ended')).toEqual(
      slots.map((slot) => ({ kind: 'ended', slot, reason: 'engine_left' })),
    )
    expect(commandedIn(effects, 'close')).toHaveLength(1)
    expect(sentIn(effects, 'leave')).toHaveLength(1)
    expect(engine.pool.usedBlocks).toBe(0)
    expect(engine.endStep()).toEqual([])
    expect(engine.document()).toEqual([])
    expect(engine.give({ kind: 'stop' })).toEqual([])
    expect(engine.machine.nextDeadline()).toBeUndefined()
  })
})
