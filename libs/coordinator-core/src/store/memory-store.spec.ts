import { describe, expect, it } from 'vitest'
import { MemoryStore } from './memory-store.js'
import { type StoreCase, storeContract } from './store-contract.js'

function play(store: MemoryStore, { run }: StoreCase): void {
  const script = run()
  let step = script.next()
  while (!step.done) {
    const request = step.value
    step = script.next(request.to === 'own' ? store.own(request.command) : store.peer(request.command))
  }
}

describe('MemoryStore', () => {
  it.each(storeContract)('keeps the contract: $name', (storeCase) => {
    play(new MemoryStore(), storeCase)
  })

  it('forgets a suffix of what was written: a commit wholly, together with what came after it', () => {
    const store = new MemoryStore(10)
    store.own({ kind: 'acquire', seen: null, by: 'a' })
    const first = {
      term: 1,
      by: 'a',
      version: 0,
      id: 'c1',
      epoch: 1,
      state: 'one',
      documents: [],
      log: ['l1'],
      positions: [],
    }
    store.own({ kind: 'commit', commit: first })
    const second = {
      ...first,
      version: 1,
      id: 'c2',
      state: 'two',
      documents: [{ peer: 'e', text: 'd' }],
      log: ['l2'],
    }
    store.own({ kind: 'commit', commit: second })
    store.peer({ kind: 'say', peer: 'e', text: 'm' })
    expect(store.forget(2)).toBe(2)
    expect(store.own({ kind: 'observe' })).toMatchObject({ own: { version: 1, commitId: 'c1' } })
    expect(store.peer({ kind: 'read', peer: 'e' })).toEqual({ kind: 'document', text: null })
    expect(store.log).toEqual(['l1'])
    expect(store.own({ kind: 'peek', positions: [], limit: 9 })).toMatchObject({ letters: [], peers: [] })
  })

  it('keeps the newest thousand messages of an inbox that nobody reads', () => {
    const store = new MemoryStore()
    for (let n = 1; n <= 1_500; n++) store.peer({ kind: 'say', peer: 'e', text: String(n) })
    const answer = store.own({ kind: 'peek', positions: [], limit: 2_000 })
    const texts = answer.kind === 'peeked' ? answer.letters.map(({ text }) => text) : []
    expect([texts.length, texts[0], texts.at(-1)]).toEqual([1_000, '501', '1500'])
  })

  it('keeps the newest lines of a log without end', () => {
    const store = new MemoryStore()
    store.own({ kind: 'acquire', seen: null, by: 'a' })
    const lines = Array.from({ length: 1_000 }, (_, i) => String(i))
    const commit = { term: 1, by: 'a', id: 'c', epoch: 1, documents: [], log: lines, positions: [] }
    for (let version = 0; version < 250; version++)
      store.own({ kind: 'commit', commit: { ...commit, version } })
    expect(store.log.length).toBeGreaterThanOrEqual(100_000)
    expect(store.log.length).toBeLessThanOrEqual(200_000)
    expect(store.log.at(-1)).toBe('999')
  })
})
