import type { BlockCopies, StepShape } from '@kvasir/contracts'
import { knownGpu } from '@kvasir/hardware'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeviceMachine } from './device-machine.js'

const shape: StepShape = {
  sequences: 1,
  totalTokens: 1,
  decodeSequences: 1,
  decodeContextTokens: 1,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
}

function device(
  arbitration: 'claims' | 'round-robin' | 'partitioned' = 'claims',
  engines = ['a', 'b'],
): DeviceMachine {
  const machine = new DeviceMachine({ bundles: 10, arbitration })
  machine.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
  for (const engine of engines)
    machine.step(0, {
      kind: 'open',
      engine,
      incarnation: 1,
      model: 'm',
      blockBytesPerRank: 1_000,
      share: 0.5,
    })
  return machine
}
const ready = (engine: string, claim: number) =>
  ({ kind: 'ready', engine, incarnation: 1, epoch: 1, claim }) as const
const execute = (engine: string) => ({ kind: 'execute', engine, incarnation: 1, epoch: 1, shape }) as const
const map = (engine: string, bundles: number, epoch = 1) =>
  ({ kind: 'map', engine, incarnation: 1, epoch, bundles }) as const

describe('DeviceMachine', () => {
  it('lets one step run at a time and gives the next turn to the largest claim', () => {
    const machine = device('claims', ['a', 'b', 'c'])
    expect(machine.step(0, ready('a', 0.1))).toEqual([{ kind: 'turn', engine: 'a' }])
    const [run] = machine.step(0, execute('a'))
    expect(run).toMatchObject({ kind: 'run', engine: 'a', share: 1 })
    expect(machine.step(1, ready('b', 0))).toEqual([])
    expect(machine.step(1, ready('c', 0.3))).toEqual([])
    expect(machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([
      { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9 },
    ])
    // Whose step ended speaks first: with the largest claim it goes on.
    expect(machine.step(9, ready('a', 0.5))).toEqual([{ kind: 'turn', engine: 'a' }])
    machine.step(9, execute('a'))
    machine.step(12, { kind: 'ran', engine: 'a', turn: 2 })
    expect(machine.step(12, { kind: 'pass', engine: 'a', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'c' },
    ])
  })

  it('lets an engine that has asked for its next turn stand in line as soon as its step has ended', () => {
    const machine = device('claims', ['a', 'b'])
    machine.step(0, ready('a', 1))
    machine.step(0, { ...execute('a'), next: { claim: 0.6 } })
    machine.step(1, ready('b', 0.5))
    const again = { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9, next: true }
    expect(machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([
      again,
      { kind: 'turn', engine: 'a' },
    ])
    machine.step(9, { ...execute('a'), next: { claim: 0.4 } })
    // Who has more left is not made to wait for a word of the other.
    expect(machine.step(20, { kind: 'ran', engine: 'a', turn: 2 })).toMatchObject([
      { kind: 'executed', engine: 'a', next: true },
      { kind: 'turn', engine: 'b' },
    ])
    machine.step(20, { ...execute('b'), next: { claim: 0.5, slackUs: 500_000 } })
    // What it says later counts instead: its step cannot wait.
    expect(machine.step(21, { ...ready('a', 0.4), slackUs: 0 })).toEqual([])
    expect(machine.step(30, { kind: 'ran', engine: 'b', turn: 3 })).toMatchObject([
      { kind: 'executed', engine: 'b', next: true },
      { kind: 'turn', engine: 'a' },
    ])
  })

  it('runs a step that is sent without a turn if nobody uses the group or waits for it', () => {
    const machine = device()
    const early = (engine: string) => ({ ...execute(engine), ifFree: true }) as const
    const refused = { kind: 'refused', engine: 'b', command: 'execute', reason: 'not_your_turn' }
    expect(machine.step(0, early('a'))).toMatchObject([{ kind: 'run', engine: 'a', share: 1 }])
    expect(machine.step(1, early('b'))).toEqual([refused])
    machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })
    // Whose step has ended speaks first, here too.
    expect(machine.step(9, early('b'))).toEqual([refused])
    machine.step(10, { kind: 'pass', engine: 'a', incarnation: 1 })
    expect(machine.step(11, early('b'))).toMatchObject([{ kind: 'run', engine: 'b' }])
    machine.step(12, ready('a', 1))
    machine.step(19, { kind: 'ran', engine: 'b', turn: 2 })
    expect(machine.step(20, { kind: 'pass', engine: 'b', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'a' },
    ])
    expect(machine.step(20, early('b'))).toEqual([refused])
  })

  it('tells a run that comes over another line of its step alone: a turn is asked for anew', () => {
    const machine = device()
    const attach = { kind: 'attach', engine: 'a', incarnation: 1, step: 1 } as const
    const executed = { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9 }
    machine.step(0, ready('a', 1))
    machine.step(0, { ...execute('a'), next: { claim: 1 } })
    machine.step(0, ready('b', 0.1))
    expect(machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toHaveLength(2)
    expect(machine.step(10, attach)).toMatchObject([
      { kind: 'attached', stepKnown: true },
      executed,
      { kind: 'turn', engine: 'b' },
    ])
    expect(machine.step(10, attach)).not.toMatchObject([{}, { next: true }])
    machine.step(11, { kind: 'pass', engine: 'b', incarnation: 1 })
    expect(machine.step(12, ready('a', 1))).toEqual([{ kind: 'turn', engine: 'a' }])
  })

  it('waits for the word of a run that came over another line while its step ran', () => {
    const machine = device()
    machine.step(0, ready('a', 1))
    machine.step(0, { ...execute('a'), next: { claim: 1 } })
    machine.step(1, { kind: 'attach', engine: 'a', incarnation: 1, step: 1 })
    expect(machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([
      { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9 },
    ])
    expect(machine.step(10, ready('a', 1))).toEqual([{ kind: 'turn', engine: 'a' }])
  })

  it('runs steps without a claim only when nobody else waits, longest unserved first', () => {
    const machine = device('claims', ['a', 'b', 'c'])
    machine.step(0, ready('a', 0))
    machine.step(0, execute('a'))
    machine.step(1, ready('b', 0))
    machine.step(1, ready('c', 0))
    machine.step(5, { kind: 'ran', engine: 'a', turn: 1 })
    expect(machine.step(5, ready('a', -1))).toEqual([{ kind: 'turn', engine: 'b' }])
  })

  it('takes a renewed claim of an engine that waits', () => {
    const machine = device('claims', ['a', 'b', 'c'])
    machine.step(0, ready('a', 1))
    machine.step(0, execute('a'))
    machine.step(1, ready('b', 0))
    machine.step(1, ready('c', 0.2))
    machine.step(2, ready('b', 0.9))
    machine.step(5, { kind: 'ran', engine: 'a', turn: 1 })
    expect(machine.step(5, { kind: 'pass', engine: 'a', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'b' },
    ])
  })

  it('lets nobody with a claim be passed for longer than its patience, however urgent the others are', () => {
    const machine = device('claims', ['a', 'b'])
    let now = 0
    let turn = 0
    machine.step(now, { ...ready('a', 1), slackUs: 0 })
    machine.step(now, execute('a'))
    machine.step(now, ready('b', 1))
    let next = 'a'
    while (next === 'a') {
      now += 10_000
      machine.step(now, { kind: 'ran', engine: 'a', turn: ++turn })
      // Late as soon as it is ready.
      const [given] = machine.step(now, { ...ready('a', 1), slackUs: -10_000 })
      if (given.kind === 'turn') next = given.engine
      if (next === 'a') machine.step(now, execute('a'))
    }
    expect(now).toBeGreaterThan(1_000_000)
    expect(now).toBeLessThan(1_050_000)
  })

  it('lets partitioned engines run side by side on their shares', () => {
    const machine = device('partitioned')
    for (const engine of ['a', 'b']) {
      expect(machine.step(0, ready(engine, 1))).toEqual([{ kind: 'turn', engine }])
      expect(machine.step(0, execute(engine))).toMatchObject([{ kind: 'run', engine, share: 0.5 }])
    }
  })

  it('refuses an older epoch, the same epoch of another owner, and an older incarnation, and changes nothing', () => {
    const machine = device()
    machine.step(0, { kind: 'fence', epoch: 3, nonce: 7 })
    expect(machine.step(0, { kind: 'fence', epoch: 2, nonce: 7 })).toMatchObject([
      { kind: 'refused', reason: 'stale_epoch' },
    ])
    expect(machine.step(0, { kind: 'fence', epoch: 3, nonce: 8 })).toMatchObject([
      { kind: 'refused', reason: 'stale_epoch' },
    ])
    expect(machine.step(0, map('a', 1, 2))).toMatchObject([{ kind: 'refused', reason: 'stale_epoch' }])
    machine.step(0, {
      kind: 'open',
      engine: 'a',
      incarnation: 2,
      model: 'm',
      blockBytesPerRank: 1_000,
      share: 1,
    })
    expect(machine.step(0, map('a', 1, 3))).toMatchObject([{ kind: 'refused', reason: 'stale_incarnation' }])
    expect(machine.bundles.free).toBe(10)
  })

  it('says at a fence who holds what, and frees all of an engine that closes', () => {
    const machine = device()
    machine.step(0, map('a', 4))
    machine.step(0, map('b', 9))
    expect(machine.step(0, { kind: 'fence', epoch: 2, nonce: 1 })).toEqual([
      {
        kind: 'fenced',
        epoch: 2,
        held: [
          { engine: 'a', incarnation: 1, bundles: 4 },
          { engine: 'b', incarnation: 1, bundles: 6 },
        ],
      },
    ])
    expect(machine.step(0, map('a', 1, 2))).toMatchObject([{ kind: 'refused', reason: 'pool_exhausted' }])
    machine.step(0, { kind: 'close', engine: 'b', incarnation: 1 })
    expect(machine.bundles.free).toBe(6)
  })

  it('hands the turn on when the engine that has it closes', () => {
    const machine = device()
    machine.step(0, ready('a', 1))
    machine.step(0, ready('b', 1))
    expect(machine.step(0, { kind: 'close', engine: 'a', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'b' },
    ])
  })

  it('never has a bundle owned twice under random mapping', () => {
    const operation = fc.record({
      engine: fc.constantFrom('a', 'b', 'c'),
      map: fc.boolean(),
      count: fc.integer({ min: 1, max: 6 }),
    })
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const machine = device('claims', ['a', 'b', 'c'])
        const held = new Map<string, number[]>([
          ['a', []],
          ['b', []],
          ['c', []],
        ])
        for (const { engine, map: grows, count } of operations) {
          const mine = held.get(engine) ?? []
          if (grows) {
            for (const answer of machine.step(0, map(engine, count)))
              if (answer.kind === 'mapped') mine.push(...answer.bundles)
          } else {
            machine.step(0, { kind: 'unmap', engine, incarnation: 1, bundles: mine.splice(0, count) })
          }
          const all = [...held.values()].flat()
          expect(new Set(all).size).toBe(all.length)
          expect(machine.bundles.free).toBe(10 - all.length)
        }
        expect(
          machine.step(0, { kind: 'unmap', engine: 'a', incarnation: 1, bundles: held.get('b') ?? [] }),
        ).toHaveLength((held.get('b') ?? []).length > 0 ? 1 : 0)
      }),
    )
  })
})

describe('copies between device and host memory', () => {
  const copies = (outCount: number, inCount = 0): BlockCopies => ({ outCount, inCount, outs: [], ins: [] })
  const copy = (engine: string, number: number, outCount: number) =>
    ({ kind: 'copy', engine, incarnation: 1, copy: number, copies: copies(outCount) }) as const
  /** A byte a microsecond behind the 20 us of a launch: links reach 0.8 of their peak. */
  const gpu = { ...knownGpu('H100'), hostLink: { kind: 'pcie', bytesPerSecond: 1.25e6 } as const }
  const linked = (arbitration: 'claims' | 'partitioned' = 'claims') => {
    const machine = new DeviceMachine({ bundles: 10, arbitration, gpu })
    machine.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
    for (const engine of ['a', 'b'])
      machine.step(0, {
        kind: 'open',
        engine,
        incarnation: 1,
        model: 'm',
        blockBytesPerRank: engine === 'a' ? 10 : 100,
        share: 0.5,
      })
    return machine
  }

  it('come before the arithmetic of the step that brings them, out and in', () => {
    const machine = linked()
    machine.step(0, ready('a', 1))
    expect(machine.step(5, { ...execute('a'), copies: copies(3, 2) })).toMatchObject([
      { kind: 'run', copyUs: 50 + 40, copies: { outCount: 3, inCount: 2 } },
    ])
    machine.step(100, { kind: 'ran', engine: 'a', turn: 1 })
    machine.step(100, ready('a', 1))
    expect(machine.step(100, execute('a'))).toMatchObject([{ kind: 'run', copyUs: 0 }])
  })

  it('queue on the link that all engines of the group share', () => {
    const machine = linked('partitioned')
    machine.step(0, ready('a', 1))
    machine.step(0, ready('b', 1))
    expect(machine.step(0, { ...execute('a'), copies: copies(7) })).toMatchObject([{ copyUs: 90 }])
    expect(machine.step(20, { ...execute('b'), copies: copies(1) })).toMatchObject([{ copyUs: 190 }])
  })

  it("need no turn and run beside another engine's step, but before the engine's own next one", () => {
    const machine = linked()
    machine.step(0, ready('a', 1))
    machine.step(0, execute('a'))
    expect(machine.step(0, copy('b', 4, 2))).toEqual([
      { kind: 'transfer', engine: 'b', transfer: 1, copies: copies(2), copyUs: 220 },
    ])
    machine.step(10, ready('b', 1))
    machine.step(50, { kind: 'ran', engine: 'a', turn: 1 })
    expect(machine.step(50, { kind: 'pass', engine: 'a', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'b' },
    ])
    expect(machine.step(50, execute('b'))).toMatchObject([{ kind: 'run', copyUs: 170 }])
    expect(machine.step(220, { kind: 'transferred', transfer: 1 })).toEqual([
      { kind: 'copied', engine: 'b', copy: 4 },
    ])
  })

  it('are refused while a step of the engine runs, and to who is not open; an old epoch may still copy out', () => {
    const machine = linked()
    machine.step(0, ready('a', 1))
    machine.step(0, execute('a'))
    expect(machine.step(0, copy('a', 1, 1))).toMatchObject([{ kind: 'refused', reason: 'not_your_turn' }])
    expect(machine.step(0, copy('z', 1, 1))).toMatchObject([{ kind: 'refused', reason: 'not_open' }])
    expect(machine.step(0, { ...copy('b', 1, 1), incarnation: 2 })).toMatchObject([
      { kind: 'refused', reason: 'stale_incarnation' },
    ])
    machine.step(0, { kind: 'fence', epoch: 9, nonce: 1 })
    expect(machine.step(0, copy('b', 1, 1))).toMatchObject([{ kind: 'transfer', copyUs: 120 }])
  })

  it('answer nobody when their engine is gone', () => {
    const machine = linked()
    machine.step(0, copy('b', 1, 1))
    machine.step(1, { kind: 'close', engine: 'b', incarnation: 1 })
    expect(machine.step(100, { kind: 'transferred', transfer: 1 })).toEqual([])
    expect(() => machine.step(100, { kind: 'transferred', transfer: 1 })).toThrow('not under way')
  })
})

describe('the same run of an engine over another line', () => {
  const attach = (step: number, incarnation = 1) =>
    ({ kind: 'attach', engine: 'a', incarnation, step }) as const
  const lost = { kind: 'detached', engine: 'a', incarnation: 1 } as const
  const attached = (stepKnown: boolean, bundles: readonly number[] = []) =>
    ({ kind: 'attached', engine: 'a', bundles, stepKnown }) as const
  const ended = { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9 } as const

  /** A machine on which `a` runs its first step. */
  function running(): DeviceMachine {
    const machine = device()
    machine.step(0, ready('a', 1))
    machine.step(0, execute('a'))
    return machine
  }

  it('is told what it has mapped, and takes its place in line anew', () => {
    const machine = device()
    machine.step(0, map('a', 3))
    machine.step(0, ready('a', 1))
    machine.step(0, ready('b', 1))
    expect(machine.step(1, lost)).toEqual([{ kind: 'turn', engine: 'b' }])
    expect(machine.step(2, attach(0))).toEqual([attached(false, [0, 1, 2])])
    machine.step(2, ready('a', 1))
    expect(machine.step(3, { kind: 'pass', engine: 'b', incarnation: 1 })).toEqual([
      { kind: 'turn', engine: 'a' },
    ])
  })

  it('hears of the end of a step that was under way, whenever that comes, and once', () => {
    const early = running()
    early.step(1, lost)
    expect(early.step(2, attach(1))).toEqual([attached(true)])
    expect(early.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([ended])
    const late = running()
    late.step(1, lost)
    // Nobody is waited for: the next turn is given.
    late.step(2, ready('b', 1))
    expect(late.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([{ kind: 'turn', engine: 'b' }])
    expect(late.step(10, attach(1))).toEqual([attached(true), ended])
    expect(late.step(11, attach(0))).toEqual([attached(false)])
  })

  it('hears that a step was never begun, which then runs once', () => {
    const machine = device()
    machine.step(0, ready('a', 1))
    machine.step(1, lost)
    expect(machine.step(2, attach(1))).toEqual([attached(false)])
    expect(machine.step(3, ready('a', 1))).toEqual([{ kind: 'turn', engine: 'a' }])
  })

  it('may come before the old line is known to be lost', () => {
    const machine = device()
    machine.step(0, ready('a', 1))
    expect(machine.step(1, attach(0))).toEqual([attached(false)])
    expect(machine.step(1, ready('b', 0))).toEqual([{ kind: 'turn', engine: 'b' }])
  })

  it('is refused when the group has begun anew, closed it, or knows a later run', () => {
    const before = device()
    before.step(0, map('a', 3))
    const again = new DeviceMachine({ bundles: 10, arbitration: 'claims', restored: before.snapshot() })
    const refusal = (reason: string) => [{ kind: 'refused', engine: 'a', command: 'attach', reason }]
    expect(again.step(0, attach(0))).toEqual(refusal('not_open'))
    expect(before.step(0, attach(0, 2))).toEqual(refusal('stale_incarnation'))
    before.step(0, { kind: 'close', engine: 'a', incarnation: 1 })
    expect(before.step(0, attach(0))).toEqual(refusal('not_open'))
  })
})
