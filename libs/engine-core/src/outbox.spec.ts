import { describe, expect, it } from 'vitest'
import { Outbox } from './outbox.js'

function ended(slot: number) {
  return { kind: 'ended', slot, reason: 'aborted' } as const
}

describe('Outbox', () => {
  it('answers what was put in, in its order, and is empty then', () => {
    for (const count of [0, 1, 2, 3, 5]) {
      const outbox = new Outbox()
      const effects = Array.from({ length: count }, (_, slot) => ended(slot))
      for (const effect of effects) outbox.emit(effect)
      expect(outbox.take()).toEqual(effects)
      expect(outbox.take()).toEqual([])
    }
  })

  it('leaves a list alone that it has given away', () => {
    const outbox = new Outbox()
    outbox.emit(ended(1))
    const first = outbox.take()
    outbox.emit(ended(2))
    expect([first, outbox.take()]).toEqual([[ended(1)], [ended(2)]])
  })
})
