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
})
