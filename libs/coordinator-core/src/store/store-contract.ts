import { invariant } from '@kvasir/kernel'
import {
  BEFORE_ALL,
  type Commit,
  type Ownership,
  type PeerAnswer,
  type PeerCommand,
  type StoreAnswer,
  type StoreCommand,
} from './store.js'

/**
 * What every store must do, whoever implements it. A case is a generator: it yields commands, is resumed with the answers, and
 * throws where an answer is wrong. So the same cases run against a store that answers at once and against one that must be awaited.
 */
export interface StoreCase {
  readonly name: string
  run(): StoreScript
}

export type StoreRequest =
  | { readonly to: 'own'; readonly command: StoreCommand }
  | { readonly to: 'peer'; readonly command: PeerCommand }

export type StoreScript = Generator<StoreRequest, void, StoreAnswer | PeerAnswer>

/** Each case begins with an empty store. */
export const storeContract: readonly StoreCase[] = [
  {
    name: 'an actor nobody has owned is observed as such and acquired with term 1',
    *run() {
      const { own } = expect(yield* tell({ kind: 'observe' }), 'observed')
      equal(own, null)
      const acquired = expect(yield* tell({ kind: 'acquire', seen: null, by: 'a' }), 'acquired')
      equal(acquired.own, { term: 1, by: 'a', beat: 0, version: 0, epoch: 0, commitId: '' })
      equal(acquired.state, null)
      equal(acquired.positions, [])
    },
  },
  {
    name: 'of two that saw the same, one acquires and the other is fenced',
    *run() {
      yield* acquire(null, 'a')
      const own = yield* observe()
      expect(yield* tell({ kind: 'acquire', seen: own, by: 'b' }), 'acquired')
      const late = expect(yield* tell({ kind: 'acquire', seen: own, by: 'c' }), 'fenced')
      equal(late.own?.by, 'b')
    },
  },
  {
    name: 'an owner that committed since it was seen is not taken over',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* commit(own, {})
      expect(yield* tell({ kind: 'acquire', seen: own, by: 'b' }), 'fenced')
    },
  },
  {
    name: 'a commit raises version and beat, and stores state, epoch, documents, log and positions together',
    *run() {
      const own = yield* acquire(null, 'a')
      const said = expect(yield* peer({ kind: 'say', peer: 'e1', text: 'join' }), 'said')
      yield* commit(own, {
        id: 'c1',
        epoch: 7,
        state: 'packed',
        documents: [{ peer: 'e1', text: 'welcome' }],
        log: ['line'],
        positions: [{ peer: 'e1', position: said.position }],
      })
      equal(yield* observe(), { term: 1, by: 'a', beat: 1, version: 1, epoch: 7, commitId: 'c1' })
      equal(yield* read('e1'), 'welcome')
      const next = expect(yield* tell({ kind: 'acquire', seen: yield* observe(), by: 'b' }), 'acquired')
      equal(next.state, 'packed')
      equal(next.positions, [{ peer: 'e1', position: said.position }])
      equal([next.own.term, next.own.version, next.own.epoch, next.own.beat], [2, 1, 7, 0])
    },
  },
  {
    name: 'a commit without state keeps the state, and documents that it does not name',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* commit(own, { state: 'packed', documents: [{ peer: 'e1', text: 'one' }] })
      yield* commit(own, { version: 1, documents: [{ peer: 'e2', text: 'two' }] })
      equal(yield* read('e1'), 'one')
      equal(yield* read('e2'), 'two')
      const next = expect(yield* tell({ kind: 'acquire', seen: yield* observe(), by: 'b' }), 'acquired')
      equal(next.state, 'packed')
    },
  },
  ...(['term', 'by', 'version'] as const).map(
    (field): StoreCase => ({
      name: `a commit with another ${field} is fenced and changes nothing`,
      *run() {
        const own = yield* acquire(null, 'a')
        yield* commit(own, { state: 'first', documents: [{ peer: 'e1', text: 'first' }] })
        const wrong = { term: { term: 9 }, by: { by: 'x' }, version: { version: 0 } }[field]
        const attempt = {
          ...emptyCommit(own),
          version: 1,
          ...wrong,
          state: 'second',
          documents: [{ peer: 'e1', text: 'second' }],
        }
        const fenced = expect(yield* tell({ kind: 'commit', commit: attempt }), 'fenced')
        equal(fenced.own?.version, 1)
        equal(yield* read('e1'), 'first')
        const next = expect(yield* tell({ kind: 'acquire', seen: yield* observe(), by: 'b' }), 'acquired')
        equal(next.state, 'first')
      },
    }),
  ),
  {
    name: 'the same commit sent twice is carried out once, and its id tells that it was',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* commit(own, { id: 'c1' })
      const again = expect(
        yield* tell({ kind: 'commit', commit: { ...emptyCommit(own), id: 'c1' } }),
        'fenced',
      )
      equal([again.own?.version, again.own?.commitId], [1, 'c1'])
    },
  },
  {
    name: 'a commit of an actor that has no owner is fenced',
    *run() {
      const fenced = expect(yield* tell({ kind: 'commit', commit: { ...emptyCommit(nobody) } }), 'fenced')
      equal(fenced.own, null)
    },
  },
  {
    name: 'who resigns with a commit owns nothing after it, and another acquires',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* commit(own, { id: 'c1', last: true })
      const left = yield* observe()
      equal([left?.by, left?.version, left?.commitId], ['', 1, 'c1'])
      expect(yield* tell({ kind: 'commit', commit: { ...emptyCommit(own), version: 1 } }), 'fenced')
      expect(yield* tell({ kind: 'acquire', seen: left, by: 'b' }), 'acquired')
    },
  },
  {
    name: 'messages are read in order, each behind its position, and not again once a commit says so',
    *run() {
      const own = yield* acquire(null, 'a')
      for (const text of ['1', '2', '3']) expect(yield* peer({ kind: 'say', peer: 'e1', text }), 'said')
      expect(yield* peer({ kind: 'say', peer: 'e2', text: 'x' }), 'said')
      const first = yield* peek([], 2)
      equal(textsOf(first.letters, 'e1'), ['1', '2'])
      equal(textsOf(first.letters, 'e2'), ['x'])
      const second = first.letters.filter((letter) => letter.peer === 'e1')[1]
      equal(textsOf((yield* peek([second], 9)).letters, 'e1'), ['3'])
      yield* commit(own, { positions: [second] })
      equal(textsOf((yield* peek([second], 9)).letters, 'e1'), ['3'])
      equal(textsOf((yield* peek([], 9)).letters, 'e2'), ['x'])
    },
  },
  {
    name: 'a heartbeat overwrites the last one and brings the document',
    *run() {
      const own = yield* acquire(null, 'a')
      equal(yield* beat('e1', 'one'), null)
      yield* commit(own, { documents: [{ peer: 'e1', text: 'lease' }] })
      equal(yield* beat('e1', 'two'), 'lease')
      const { heartbeats, peers, own: seen } = yield* peek([], 9)
      equal(heartbeats, [{ peer: 'e1', text: 'two' }])
      equal(peers, ['e1'])
      equal(seen?.version, 1)
    },
  },
  {
    name: 'a budget lies beside the document that it came after, and comes with it',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* commit(own, { documents: [{ peer: 'e1', text: 'lease' }] })
      equal(yield* peer({ kind: 'read', peer: 'e1' }), { kind: 'document', text: 'lease' })
      yield* commit(own, { version: 1, budgets: ['e1', 'e2'].map((name) => ({ peer: name, text: '5' })) })
      equal(yield* peer({ kind: 'read', peer: 'e1' }), { kind: 'document', text: 'lease', budget: '5' })
      yield* commit(own, { version: 2, budgets: [{ peer: 'e1', text: '6' }] })
      const beaten = yield* peer({ kind: 'beat', peer: 'e1', text: 'one', ring: false })
      equal(beaten, { kind: 'document', text: 'lease', budget: '6' })
      expect(yield* tell({ kind: 'retire', term: own.term, by: own.by, peer: 'e1' }), 'retired')
      equal(yield* peer({ kind: 'read', peer: 'e1' }), { kind: 'document', text: null })
    },
  },
  {
    name: 'a look at some finds what they said, and not who else there is',
    *run() {
      yield* acquire(null, 'a')
      for (const name of ['e1', 'e2', 'e3']) {
        yield* beat(name, `beat of ${name}`)
        expect(yield* peer({ kind: 'say', peer: name, text: `letter of ${name}` }), 'said')
      }
      const positions = ['e3', 'e1'].map((name) => ({ peer: name, position: BEFORE_ALL }))
      const seen = expect(yield* tell({ kind: 'peek', positions, limit: 9, some: true }), 'peeked')
      equal([seen.peers, seen.own?.by], [undefined, 'a'])
      equal(seen.heartbeats.map(({ text }) => text).sort(), ['beat of e1', 'beat of e3'])
      equal(seen.letters.map(({ text }) => text).sort(), ['letter of e1', 'letter of e3'])
    },
  },
  {
    name: 'text of any kind comes back as it was',
    *run() {
      const own = yield* acquire(null, 'a')
      const text = 'ä "quotes" \\ \n\u0000 {} 漢字 🐦'
      yield* commit(own, { state: text, documents: [{ peer: 'e:1/{x}', text }] })
      equal(yield* beat('e:1/{x}', text), text)
      expect(yield* peer({ kind: 'say', peer: 'e:1/{x}', text }), 'said')
      const { letters, heartbeats } = yield* peek([], 9)
      equal([letters[0].text, heartbeats[0]], [text, { peer: 'e:1/{x}', text }])
    },
  },
  {
    name: 'a retired peer leaves nothing behind, and only the owner retires',
    *run() {
      const own = yield* acquire(null, 'a')
      yield* beat('e1', 'here')
      const said = expect(yield* peer({ kind: 'say', peer: 'e1', text: 'join' }), 'said')
      yield* commit(own, {
        documents: [{ peer: 'e1', text: 'doc' }],
        positions: [{ peer: 'e1', position: said.position }],
      })
      expect(yield* tell({ kind: 'retire', term: own.term, by: 'x', peer: 'e1' }), 'fenced')
      equal(yield* read('e1'), 'doc')
      expect(yield* tell({ kind: 'retire', term: own.term, by: own.by, peer: 'e1' }), 'retired')
      equal(yield* read('e1'), null)
      const { peers, heartbeats, letters } = yield* peek([], 9)
      equal([peers, heartbeats, letters], [[], [], []])
      const next = expect(yield* tell({ kind: 'acquire', seen: yield* observe(), by: 'b' }), 'acquired')
      equal(next.positions, [])
    },
  },
]

const nobody: Ownership = { term: 0, by: '', beat: 0, version: 0, epoch: 0, commitId: '' }

function* tell(command: StoreCommand): Generator<StoreRequest, StoreAnswer, StoreAnswer | PeerAnswer> {
  return (yield { to: 'own', command }) as StoreAnswer
}

function* peer(command: PeerCommand): Generator<StoreRequest, PeerAnswer, StoreAnswer | PeerAnswer> {
  return (yield { to: 'peer', command }) as PeerAnswer
}

function* observe(): Generator<StoreRequest, Ownership | null, StoreAnswer | PeerAnswer> {
  return expect(yield* tell({ kind: 'observe' }), 'observed').own
}

function* acquire(
  seen: Ownership | null,
  by: string,
): Generator<StoreRequest, Ownership, StoreAnswer | PeerAnswer> {
  return expect(yield* tell({ kind: 'acquire', seen, by }), 'acquired').own
}

function* commit(
  own: Ownership,
  change: Partial<Commit>,
): Generator<StoreRequest, number, StoreAnswer | PeerAnswer> {
  const answer = yield* tell({ kind: 'commit', commit: { ...emptyCommit(own), ...change } })
  return expect(answer, 'committed').version
}

function* beat(name: string, text: string): Generator<StoreRequest, string | null, StoreAnswer | PeerAnswer> {
  return expect(yield* peer({ kind: 'beat', peer: name, text, ring: false }), 'document').text
}

function* read(name: string): Generator<StoreRequest, string | null, StoreAnswer | PeerAnswer> {
  return expect(yield* peer({ kind: 'read', peer: name }), 'document').text
}

type Peeked = Extract<StoreAnswer, { kind: 'peeked' }>

function* peek(
  positions: readonly { readonly peer: string; readonly position: string }[],
  limit: number,
): Generator<StoreRequest, Peeked, StoreAnswer | PeerAnswer> {
  const known = expect(yield* tell({ kind: 'peek', positions: [], limit: 0 }), 'peeked').peers ?? []
  const all = known.map((name) => ({
    peer: name,
    position: positions.find((position) => position.peer === name)?.position ?? BEFORE_ALL,
  }))
  return expect(yield* tell({ kind: 'peek', positions: all, limit }), 'peeked')
}

function emptyCommit({ term, by, version, epoch }: Ownership): Commit {
  return { term, by, version, id: 'c', epoch, documents: [], log: [], positions: [] }
}

function textsOf(letters: Peeked['letters'], name: string): readonly string[] {
  return letters.filter((letter) => letter.peer === name).map((letter) => letter.text)
}

function expect<A extends StoreAnswer | PeerAnswer, K extends A['kind']>(
  answer: A,
  kind: K,
): Extract<A, { kind: K }> {
  invariant(isKind(answer, kind), () => `answer ${JSON.stringify(answer)} instead of ${kind}`)
  return answer
}

function isKind<A extends { readonly kind: string }, K extends A['kind']>(
  answer: A,
  kind: K,
): answer is Extract<A, { kind: K }> {
  return answer.kind === kind
}

function equal(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  invariant(a === b, () => `${a} instead of ${b}`)
}
