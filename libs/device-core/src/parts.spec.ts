import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { DeviceMachine } from './device-machine.js'
import { fitPart, partFor, WHOLE } from './parts.js'

const SEED = 20261121

const shape = {
  sequences: 1,
  totalTokens: 1,
  decodeSequences: 1,
  decodeContextTokens: 1,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
}
const ready = (engine: string, claim = 1) =>
  ({ kind: 'ready', engine, incarnation: 1, epoch: 1, claim }) as const
const execute = (engine: string) => ({ kind: 'execute', engine, incarnation: 1, epoch: 1, shape }) as const
const pass = (engine: string) => ({ kind: 'pass', engine, incarnation: 1 }) as const

/** `shares` by engine. */
function group(shares: Readonly<Record<string, number>>): DeviceMachine {
  const machine = new DeviceMachine({ bundles: 4, arbitration: 'claims', sharing: 'spatial' })
  machine.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
  for (const [engine, share] of Object.entries(shares))
    machine.step(0, { kind: 'open', engine, incarnation: 1, model: 'm', blockBytesPerRank: 1, share })
  return machine
}

describe('parts of a group', () => {
  it('are by weight among those who have budget left', () => {
    const sharers = [
      { weight: 3, claim: 0.5 },
      { weight: 1, claim: 0.1 },
      { weight: 4, claim: 0 },
    ]
    expect(sharers.map((sharer) => partFor(sharer, sharers))).toEqual([750, 250, 500])
  })

  it('are cut to what is free, but not below half of what is due', () => {
    expect([fitPart(500, 800), fitPart(500, 300), fitPart(500, 249)]).toEqual([500, 300, 0])
  })
})

describe('a group whose multiprocessors are shared', () => {
  it('gives all of itself to who is alone, and to two their shares when its step has ended', () => {
    const machine = group({ a: 0.75, b: 0.25 })
    expect(machine.step(0, ready('a'))).toEqual([{ kind: 'turn', engine: 'a' }])
    expect(machine.step(0, execute('a'))).toMatchObject([{ kind: 'run', share: 1 }])
    expect(machine.step(1, ready('b'))).toEqual([])
    expect(machine.step(9, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([
      { kind: 'executed', engine: 'a', startedUs: 0, finishedUs: 9, share: 1 },
    ])
    expect(machine.step(9, ready('a'))).toEqual([
      { kind: 'turn', engine: 'b' },
      { kind: 'turn', engine: 'a' },
    ])
    expect(machine.step(9, execute('b'))).toMatchObject([{ kind: 'run', engine: 'b', share: 0.25 }])
    expect(machine.step(9, execute('a'))).toMatchObject([{ kind: 'run', engine: 'a', share: 0.75 }])
  })

  it('lets nobody pass who waits for more than is free', () => {
    const machine = group({ a: 0.7, b: 0.1, c: 0.1, d: 0.1 })
    machine.step(0, ready('b'))
    machine.step(0, execute('b'))
    for (const engine of ['c', 'd']) machine.step(0, ready(engine))
    machine.step(1, { kind: 'ran', engine: 'b', turn: 1 })
    machine.step(1, ready('b'))
    // A third of the group each.
    for (const engine of ['b', 'c', 'd']) machine.step(1, execute(engine))
    machine.step(2, ready('a', 1))
    machine.step(3, { kind: 'ran', engine: 'b', turn: 2 })
    // Less than half of what a is due, so it waits, and b behind it.
    expect(machine.step(3, ready('b', 0.5))).toEqual([])
    machine.step(4, { kind: 'ran', engine: 'c', turn: 3 })
    expect(machine.step(4, pass('c'))).toEqual([{ kind: 'turn', engine: 'a' }])
    expect(machine.step(4, execute('a'))).toMatchObject([{ kind: 'run', share: 0.667 }])
  })

  it('takes back the parts of an engine that leaves, at once when it waits for nothing, else when its step ends', () => {
    const machine = group({ a: 0.5, b: 0.5 })
    machine.step(0, ready('a'))
    machine.step(0, execute('a'))
    machine.step(0, ready('b'))
    expect(machine.step(1, { kind: 'close', engine: 'a', incarnation: 1 })).toEqual([])
    expect(machine.step(5, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([{ kind: 'turn', engine: 'b' }])
    expect(machine.step(5, execute('b'))).toMatchObject([{ share: 1 }])
    machine.step(6, { kind: 'ran', engine: 'b', turn: 2 })
    expect(machine.step(6, { kind: 'close', engine: 'b', incarnation: 1 })).toEqual([])
  })

  it(`never gives more than there is, and stands still for nobody who can run, in a random sweep (seed ${SEED})`, () => {
    const rng = new SeededRng(SEED, 'parts')
    for (let round = 0; round < 200; round++) {
      const engines = ['a', 'b', 'c', 'd'].slice(0, 1 + rng.int(4))
      const machine = group(Object.fromEntries(engines.map((engine) => [engine, 0.05 + rng.uniform()])))
      const running = new Map<string, { readonly turn: number; readonly share: number }>()
      const waiting = new Set<string>()
      const perform = (effects: ReturnType<DeviceMachine['step']>) => {
        for (const effect of effects) {
          if (effect.kind !== 'turn') continue
          waiting.delete(effect.engine)
          if (rng.int(8) === 0) perform(machine.step(0, pass(effect.engine)))
          else
            for (const run of machine.step(0, execute(effect.engine)))
              if (run.kind === 'run') running.set(run.engine, run)
        }
      }
      for (let i = 0; i < 60; i++) {
        const engine = engines[rng.int(engines.length)]
        const run = running.get(engine)
        if (run !== undefined) {
          running.delete(engine)
          machine.step(0, { kind: 'ran', engine, turn: run.turn })
          if (rng.int(3) === 0) {
            perform(machine.step(0, pass(engine)))
            continue
          }
        }
        waiting.add(engine)
        perform(machine.step(0, ready(engine, rng.int(3) / 2)))
        const occupied = [...running.values()].reduce((sum, { share }) => sum + share, 0)
        expect(occupied, `round ${round}`).toBeLessThanOrEqual(1 + 1 / WHOLE / 1e6)
        if (waiting.size > 0) expect(running.size, `round ${round}`).toBeGreaterThan(0)
      }
    }
  })
})
