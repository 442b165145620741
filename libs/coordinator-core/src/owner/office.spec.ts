import { describe, expect, it } from 'vitest'
import type { StoreCommand } from '../store/store.js'
import type { Hosted, HostedOutput } from './hosted.js'
import { Office, type OfficeEffect } from './office.js'
import { defaultOwnerTimings } from './owner-timings.js'

const own = { term: 1, by: 'me', beat: 0, version: 0, epoch: 1, commitId: '' }
const nothingNew = { kind: 'heard', own: { ...own, version: 1 }, letters: [], heartbeats: [] } as const
const silent: HostedOutput = { documents: [], log: [], device: [], retired: [], changed: false }

/** An office that has counted the peers a and b, and has nothing under way. */
function settled(hosted: Hosted<never> = idleOrNot({ quiet: false })): Office<never> {
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
  office.answer(2, 'peek', { ...nothingNew, peers: ['a', 'b'] })
  office.answer(3, 'peek', { ...nothingNew, peers: ['a', 'b'] })
  return office
}

function idleOrNot(now: { quiet: boolean }): Hosted<never> {
  return {
    step: () => silent,
    nextDeadline: () => undefined,
    pack: () => '',
    get quiet() {
      return now.quiet
    },
  }
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
    const [peek] = peeks(office.answer(20, 'peek', { ...nothingNew, peers: undefined }))
    expect(peek.positions.map((place) => place.peer)).toEqual(['b', 'a'])
  })

  it('looks at all as often as busy peers need from the moment on at which one is', () => {
    const state = { quiet: true }
    const office = settled(idleOrNot(state))
    const { peekUs } = defaultOwnerTimings
    expect(peeks(office.wake(peekUs + 10))).toEqual([])
    state.quiet = false
    expect(peeks(office.bell(2 * peekUs, 'a'))).toMatchObject([{ some: true }])
    office.answer(2 * peekUs, 'peek', { ...nothingNew, peers: undefined })
    const [peek] = peeks(office.wake(3 * peekUs))
    expect(peek.some).toBeUndefined()
  })

  it('looks at all soon after a look that failed: who had rung is not known any more', () => {
    const office = settled(idleOrNot({ quiet: true }))
    office.bell(10, 'a')
    office.answer(20, 'peek', { kind: 'failed', detail: 'no answer' })
    const [peek] = peeks(office.wake(60_000))
    expect(peek.some).toBeUndefined()
  })
})
