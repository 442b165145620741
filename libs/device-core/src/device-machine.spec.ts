import type { StepShape } from '@kvasir/contracts'
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
    machine.step(0, { kind: 'open', engine, incarnation: 1, model: 'm', share: 0.5 })
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
    machine.step(0, { kind: 'open', engine: 'a', incarnation: 2, model: 'm', share: 1 })
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
