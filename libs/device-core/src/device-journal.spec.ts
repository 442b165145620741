import type { JournalEntry, StepShape } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { journalEntryOf, JournalReplay } from './device-journal.js'
import { type DeviceInput, DeviceMachine } from './device-machine.js'

const BUNDLES = 12
const shape: StepShape = {
  sequences: 1,
  totalTokens: 1,
  decodeSequences: 1,
  decodeContextTokens: 1,
  prefillTokens: 0,
  prefillContextTokens: 0,
  prefillPairs: 0,
}

const open = (engine: string, incarnation = 1) =>
  ({ kind: 'open', engine, incarnation, model: 'm', blockBytesPerRank: 1_000, share: 1 }) as const
const ready = (engine: string, claim = 1) =>
  ({ kind: 'ready', engine, incarnation: 1, epoch: 1, claim }) as const
const execute = (engine: string) => ({ kind: 'execute', engine, incarnation: 1, epoch: 1, shape }) as const
const detached = (engine: string) => ({ kind: 'detached', engine, incarnation: 1 }) as const
const map = (engine: string, bundles: number) =>
  ({ kind: 'map', engine, incarnation: 1, epoch: 1, bundles }) as const

function device(engines = ['a', 'b']): DeviceMachine {
  const machine = new DeviceMachine({ bundles: BUNDLES, arbitration: 'claims' })
  machine.step(0, { kind: 'fence', epoch: 1, nonce: 7 })
  for (const engine of engines) machine.step(0, open(engine))
  return machine
}

function restored(machine: DeviceMachine): DeviceMachine {
  return new DeviceMachine({ bundles: BUNDLES, arbitration: 'claims', restored: machine.snapshot() })
}

describe('an engine whose line is gone', () => {
  it('gives its turn to who waits', () => {
    const machine = device()
    machine.step(0, ready('a'))
    machine.step(0, ready('b'))
    expect(machine.step(1, detached('a'))).toEqual([{ kind: 'turn', engine: 'b' }])
  })

  it('is not given a turn any more', () => {
    const machine = device(['a', 'b', 'c'])
    machine.step(0, ready('a'))
    machine.step(0, ready('b', 0.9))
    machine.step(0, ready('c', 0.1))
    machine.step(1, detached('b'))
    expect(machine.step(2, detached('a'))).toEqual([{ kind: 'turn', engine: 'c' }])
  })

  it('is not waited for when its step ends', () => {
    const machine = device()
    machine.step(0, ready('a'))
    machine.step(0, execute('a'))
    machine.step(0, ready('b'))
    expect(machine.step(1, detached('a'))).toEqual([])
    expect(machine.step(5, { kind: 'ran', engine: 'a', turn: 1 })).toEqual([{ kind: 'turn', engine: 'b' }])
  })

  it('keeps its bundles, also when it opens the group again', () => {
    const machine = device()
    machine.step(0, map('a', 4))
    machine.step(1, detached('a'))
    expect(machine.mappedBy('a')).toBe(4)
    machine.step(2, open('a'))
    expect(machine.mappedBy('a')).toBe(4)
    expect(machine.step(2, ready('a'))).toEqual([{ kind: 'turn', engine: 'a' }])
  })

  it('changes nothing for a later run of the same engine', () => {
    const machine = device()
    machine.step(0, open('a', 2))
    machine.step(0, { ...ready('a'), incarnation: 2 })
    expect(machine.step(1, detached('a'))).toEqual([])
    expect(machine.step(1, { ...execute('a'), incarnation: 2 })).toMatchObject([{ kind: 'run' }])
  })
})

describe('a bundle', () => {
  it('is not given back twice by naming it twice', () => {
    const machine = device()
    machine.step(0, map('a', 4))
    const unmap = { kind: 'unmap', engine: 'a', incarnation: 1, bundles: [1, 1] } as const
    expect(machine.step(0, unmap)).toMatchObject([{ kind: 'refused', reason: 'not_mapped' }])
    expect(machine.mappedBy('a')).toBe(4)
    expect(machine.bundles.free).toBe(BUNDLES - 4)
  })
})

describe('a group that was restarted', () => {
  it('refuses what it refused before', () => {
    const machine = restored(device())
    expect(machine.epoch).toBe(1)
    expect(machine.step(0, { ...map('a', 1), epoch: 0 })).toMatchObject([{ reason: 'stale_epoch' }])
    expect(machine.step(0, { kind: 'fence', epoch: 1, nonce: 8 })).toMatchObject([{ reason: 'stale_epoch' }])
    expect(machine.step(0, { ...open('a'), incarnation: 0 })).toMatchObject([{ reason: 'stale_incarnation' }])
  })

  it('tells the next owner what is mapped, and maps none of it to anybody else', () => {
    const before = device()
    before.step(0, map('a', 4))
    before.step(0, map('b', 5))
    before.step(0, { kind: 'unmap', engine: 'a', incarnation: 1, bundles: [1, 2] })
    const machine = restored(before)
    expect(machine.step(0, { kind: 'fence', epoch: 2, nonce: 1 })).toEqual([
      {
        kind: 'fenced',
        epoch: 2,
        held: [
          { engine: 'a', incarnation: 1, bundles: 2 },
          { engine: 'b', incarnation: 1, bundles: 5 },
        ],
      },
    ])
    expect(machine.incarnationOf('b')).toBe(1)
    const [mapped] = machine.step(0, { ...map('b', BUNDLES), epoch: 2 })
    const bundles = mapped.kind === 'mapped' ? [...mapped.bundles].sort((x, y) => x - y) : []
    expect(bundles).toEqual([1, 2, 9, 10, 11])
  })

  it.each(Array.from({ length: 20 }, (_, seed) => seed + 1))(
    'has from its journal what it had, wherever the journal was compacted (seed %i)',
    (seed) => {
      const rng = new SeededRng(seed, 'device-journal')
      const machine = device([])
      let journal: JournalEntry[] = [{ kind: 'fence', epoch: 1, nonce: 7 }]
      for (let i = 0; i < 300; i++) {
        const input = randomCommand(rng, machine)
        const entry = journalEntryOf(input, machine.step(i, input))
        if (entry) journal.push(entry)
        if (rng.int(60) === 0) journal = [{ kind: 'state', ...machine.snapshot() }]
      }
      const replay = new JournalReplay()
      for (const entry of journal) replay.apply(entry)
      const { tenants, ...owner } = machine.snapshot()
      expect(replay.snapshot()).toMatchObject(owner)
      expect(byEngine(replay.snapshot().tenants)).toEqual(byEngine(tenants))
    },
  )
})

function byEngine<T extends { readonly engine: string }>(tenants: readonly T[]): T[] {
  return [...tenants].sort((a, b) => a.engine.localeCompare(b.engine))
}

function randomCommand(rng: SeededRng, machine: DeviceMachine): DeviceInput {
  const engine = 'abc'[rng.int(3)]
  const incarnation = machine.incarnationOf(engine) ?? 1
  switch (rng.int(6)) {
    case 0:
      return { kind: 'fence', epoch: machine.epoch + rng.int(3) - 1, nonce: rng.int(2) }
    case 1:
      return open(engine, incarnation + rng.int(3) - 1)
    case 2:
      return rng.int(3) === 0 ? { kind: 'close', engine, incarnation } : { ...detached(engine), incarnation }
    case 3: {
      const held = machine.snapshot().tenants.find((tenant) => tenant.engine === engine)?.bundles ?? []
      return { kind: 'unmap', engine, incarnation, bundles: held.slice(0, rng.int(4)) }
    }
    default:
      return { ...map(engine, 1 + rng.int(5)), incarnation, epoch: machine.epoch - rng.int(2) }
  }
}
