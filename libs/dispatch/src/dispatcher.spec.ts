import { describe, expect, it } from 'vitest'
import { Dispatcher } from './dispatcher.js'

const plain = { session: undefined, prefix: undefined }

function dispatcherOf(policy: ConstructorParameters<typeof Dispatcher>[0], ...engines: string[]): Dispatcher {
  const dispatcher = new Dispatcher(policy)
  for (const engine of engines) dispatcher.add(engine)
  return dispatcher
}

describe('Dispatcher', () => {
  it('has no replica for a model that nobody serves', () => {
    expect(new Dispatcher().choose(plain)).toBeUndefined()
  })

  it('sends to the replica with fewest outstanding requests, counted at the moment of sending', () => {
    const dispatcher = dispatcherOf('least-outstanding', 'a', 'b')
    const first = dispatcher.choose(plain)
    const second = dispatcher.choose(plain)
    expect(new Set([first?.engine, second?.engine])).toEqual(new Set(['a', 'b']))
    if (second) dispatcher.ended(second)
    expect(dispatcher.choose(plain)?.engine).toBe(second?.engine)
  })

  it('fills equal replicas evenly', () => {
    const dispatcher = dispatcherOf('least-outstanding', 'a', 'b', 'c')
    for (let i = 0; i < 30; i++) dispatcher.choose(plain)
    expect(dispatcher.replicas.map((replica) => replica.outstanding)).toEqual([10, 10, 10])
  })

  it('keeps a prefix on one replica until that one is overloaded', () => {
    const dispatcher = dispatcherOf('prefix-affinity', 'a', 'b', 'c')
    const request = { session: undefined, prefix: '42' }
    const engines = Array.from({ length: 9 }, () => dispatcher.choose(request)?.engine)
    expect(new Set(engines).size).toBe(1)
    expect(dispatcher.choose(request)?.engine).not.toBe(engines[0])
  })

  it('moves only the keys of a replica that left', () => {
    const place = (engines: string[]) =>
      Array.from({ length: 60 }, (_, i) => {
        const dispatcher = dispatcherOf('session', ...engines)
        return dispatcher.choose({ session: `s${i}`, prefix: undefined })?.engine
      })
    const before = place(['a', 'b', 'c'])
    const after = place(['a', 'b'])
    before.forEach((engine, i) => {
      if (engine !== 'c') expect(after[i]).toBe(engine)
    })
  })

  it('does not depend on the order in which replicas were added', () => {
    const order = (...engines: string[]) => {
      const dispatcher = dispatcherOf('round-robin', ...engines)
      return Array.from({ length: 5 }, () => dispatcher.choose(plain)?.engine)
    }
    expect(order('b', 'a', 'c')).toEqual(order('c', 'b', 'a'))
  })
})
