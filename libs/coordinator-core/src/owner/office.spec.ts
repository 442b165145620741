import { describe, expect, it } from 'vitest'
import type { StoreCommand } from '../store/store.js'
import type { HostedOutput } from './hosted.js'
import { Office, type OfficeEffect } from './office.js'
import { defaultOwnerTimings } from './owner-timings.js'

const own = { term: 1, by: 'me', beat: 0, version: 0, epoch: 1, commitId: '' }
const silent: HostedOutput = { documents: [], log: [], device: [], retired: [], changed: false }

/** An office that has counted the peers a and b, and has nothing under way. */
function settled(): Office<never> {
  const hosted = { step: () => silent, nextDeadline: () => undefined, pack: () => '' }
  const office = new Office<never>(0, {
    timings: defaultOwnerTimings,
    hosted,
    epoch: 1,
    own,
    positions: [],
    sinceUs: 0,
  })
  office.wake(0)
  office.answer(1, 'commit', { kind: 'committed', version: 1 })
  const heard = { kind: 'heard', own: { ...own, version: 1 }, letters: [], heartbeats: [] } as const
  office.answer(2, 'peek', { ...heard, peers: ['a', 'b'] })
  office.answer(3, 'peek', { ...heard, peers: ['a', 'b'] })
  return office
}

function peeks(effects: readonly OfficeEffect[]): readonly Extract<StoreCommand, { kind: 'peek' }>[] {
  return effects.flatMap((effect) =>
    effect.kind === 'store' && effect.command.kind === 'peek' ? [effect.command] : [],
  )
}

describe('an owner in office', () => {
  it('looks at whoever rang alone', () => {
    const [peek] = peeks(settled().bell(10, 'a'))
    expect(peek).toMatchObject({ positions: [{ peer: 'a', position: '0-0' }], some: true })
  })

  it('looks at everybody when a stranger rings, when somebody may have rung, and now and then', () => {
    for (const peer of ['c', '']) {
      const [peek] = peeks(settled().bell(10, peer))
      expect(peek.positions.map((place) => place.peer)).toEqual(['a', 'b'])
      expect(peek.some).toBeUndefined()
    }
    const [peek] = peeks(settled().wake(defaultOwnerTimings.peekUs + 10))
    expect(peek.some).toBeUndefined()
  })

  it('has one look under way at a time, and afterwards looks at all who rang meanwhile', () => {
    const office = settled()
    office.bell(10, 'a')
    expect(peeks([...office.bell(11, 'b'), ...office.bell(12, 'a')])).toEqual([])
    const found = { kind: 'heard', own: { ...own, version: 1 }, peers: undefined } as const
    const [peek] = peeks(office.answer(20, 'peek', { ...found, letters: [], heartbeats: [] }))
    expect(peek.positions.map((place) => place.peer)).toEqual(['b', 'a'])
  })
})
