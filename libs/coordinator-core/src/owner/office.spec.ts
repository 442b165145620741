import { describe, expect, it } from 'vitest'
import type { Commit, StoreCommand } from '../store/store.js'
import type { HeardMessages, Speech } from './heard.js'
import type { Hosted, HostedDocument, HostedInput, HostedOutput } from './hosted.js'
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

  it('hears what a bell brings without a look, and once', () => {
    const heard: string[] = []
    const office = settled(listens(heard))
    const looked = [
      ...office.rung(10, rings('1-0', '0-0', 'one')),
      ...office.rung(11, rings('2-0', '1-0', 'two')),
    ]
    expect(peeks(looked)).toEqual([])
    office.answer(12, 'peek', { ...nothingNew, peers: undefined, ...rings('2-0', undefined, 'two') })
    office.rung(13, rings('1-0', '0-0', 'one'))
    expect(heard).toEqual(['one', 'two'])
  })

  it('looks into an inbox where something lies before what a bell brings', () => {
    const heard: string[] = []
    const office = settled(listens(heard))
    const [peek] = peeks(office.rung(10, rings('2-0', '1-0', 'two')))
    expect(peek).toMatchObject({ positions: [{ peer: 'a', position: '0-0' }], some: true })
    const both = [...rings('1-0', undefined, 'one').letters, ...rings('2-0', undefined, 'two').letters]
    office.answer(11, 'peek', { ...nothingNew, peers: undefined, letters: both })
    expect(heard).toEqual(['one', 'two'])
  })

  it('packs what has only drifted when it commits after a while, and what has changed at once', () => {
    const outputs = [{ drifted: true as const }, { drifted: true as const }, { changed: true }]
    const office = settled({
      ...idleOrNot({ quiet: false }),
      step: (_now, { kind }) => (kind === 'letter' ? { ...silent, ...outputs.shift() } : silent),
      pack: () => 'packed',
    })
    const { renewUs } = defaultOwnerTimings
    const [early] = commits(office.rung(10, rings('1-0', '0-0', 'one')))
    office.answer(11, 'commit', { kind: 'committed', version: 2 })
    const [late] = commits(office.rung(renewUs + 10, rings('2-0', '1-0', 'two')))
    office.answer(renewUs + 11, 'commit', { kind: 'committed', version: 3 })
    const [changed] = commits(office.rung(renewUs + 12, rings('3-0', '2-0', 'three')))
    expect([early.state, late.state, changed.state]).toEqual([undefined, 'packed', 'packed'])
  })

  it('looks on whole seconds while nobody has work, and shows with one commit after the look that it lives', () => {
    const office = settled(idleOrNot({ quiet: true }))
    for (const second of [1, 2, 3]) {
      const at = second * 1_000_000
      expect(office.nextDeadline()).toBe(at)
      const begun = office.wake(at + 800)
      expect([peeks(begun).length, commits(begun).length]).toEqual([1, 0])
      const own_ = { ...own, version: second }
      expect(
        commits(office.answer(at + 2_000, 'peek', { ...nothingNew, own: own_, peers: ['a', 'b'] })),
      ).toHaveLength(1)
      office.answer(at + 3_000, 'commit', { kind: 'committed', version: second + 1 })
    }
  })

  it('says what is new of a budget beside the document, and in full while the document is not committed either', () => {
    const outputs: HostedDocument[] = [
      { peer: 'a', body: { full: 1 } },
      { peer: 'a', body: { full: 2 }, budget: [2] },
      { peer: 'a', body: { full: 3 }, budget: [3] },
    ]
    const office = settled(tells(outputs))
    const [first] = commits(office.rung(10, rings('1-0', '0-0', 'one')))
    expect([first.documents, first.budgets]).toEqual([[{ peer: 'a', text: '{"full":1}' }], []])
    // On its way meanwhile; what follows is one document.
    office.rung(11, rings('2-0', '1-0', 'two'))
    office.rung(12, rings('3-0', '2-0', 'three'))
    const [second] = commits(office.answer(13, 'commit', { kind: 'committed', version: 2 }))
    expect([second.documents, second.budgets]).toEqual([[], [{ peer: 'a', text: '[3]' }]])
    outputs.push({ peer: 'a', body: { full: 4 } }, { peer: 'a', body: { full: 5 }, budget: [5] })
    office.rung(14, rings('4-0', '3-0', 'four'))
    office.rung(15, rings('5-0', '4-0', 'five'))
    const [third] = commits(office.answer(16, 'commit', { kind: 'committed', version: 3 }))
    expect([third.documents, third.budgets]).toEqual([[{ peer: 'a', text: '{"full":5}' }], []])
  })
})

/** One message of `a`, as a bell brings it; without `after` as a look does. */
function rings(position: string, after: string | undefined, message: string): HeardMessages<never> {
  const letter = { peer: 'a', position, read: { message: message as never } }
  return { letters: [{ ...letter, ...(after === undefined ? {} : { after }) }], heartbeats: [] }
}

function listens(heard: string[]): Hosted<never> {
  return {
    ...idleOrNot({ quiet: false }),
    step: (_now, input: HostedInput<Speech>) => {
      if (input.kind === 'letter') heard.push(input.message as string)
      return silent
    },
  }
}

/** One of `outputs` for each letter. */
function tells(outputs: HostedDocument[]): Hosted<never> {
  return {
    ...idleOrNot({ quiet: false }),
    step: (_now, { kind }) => (kind === 'letter' ? { ...silent, documents: outputs.splice(0, 1) } : silent),
  }
}

function commits(effects: readonly OfficeEffect[]): readonly Commit[] {
  return effects.flatMap((effect) =>
    effect.kind === 'store' && effect.command.kind === 'commit' ? [effect.command.commit] : [],
  )
}
