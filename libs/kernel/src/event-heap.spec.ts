import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventHeap } from './event-heap.js'

describe('EventHeap', () => {
  it('pops by time, then class, then order of pushing, like a stable sort', () => {
    const event = fc.record({
      time: fc.integer({ min: 0, max: 5 }),
      eventClass: fc.integer({ min: 0, max: 3 }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const heap = new EventHeap(2)
        events.forEach(({ time, eventClass }, i) => heap.push(time, eventClass, i))
        const expected = events
          .map((value, i) => ({ ...value, i }))
          .sort((a, b) => a.time - b.time || a.eventClass - b.eventClass || a.i - b.i)
        for (const { time, eventClass, i } of expected) {
          expect(heap.peekTime()).toBe(time)
          expect([heap.pop(), heap.time, heap.eventClass]).toEqual([i, time, eventClass])
        }
        expect(heap.peekTime()).toBe(Infinity)
      }),
    )
  })

  it('keeps the order while pops and pushes alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 300 }), (delays) => {
        const heap = new EventHeap(2)
        heap.push(0, 0, 0)
        let last = 0
        for (const delay of delays) {
          heap.pop()
          expect(heap.time).toBeGreaterThanOrEqual(last)
          last = heap.time
          heap.push(last + delay, delay % 3, 1)
          if (delay > 5) heap.push(last + 1, 2, 2)
        }
      }),
    )
  })

  it('refuses an event in the past', () => {
    const heap = new EventHeap()
    heap.push(10, 0, 0)
    heap.pop()
    expect(() => heap.push(9, 0, 0)).toThrow('event at 9 us is in the past of 10 us')
  })
})
