import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinkedQueue } from './linked-queue.js'

describe('LinkedQueue', () => {
  it('does what an array does under any sequence of operations', () => {
    const operation = fc.tuple(
      fc.constantFrom('tail', 'head', 'remove', 'shift'),
      fc.integer({ min: 0, max: 9 }),
    )
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const queue = new LinkedQueue(10)
        const model: number[] = []
        for (const [kind, item] of operations) {
          const present = model.includes(item)
          expect(queue.has(item)).toBe(present)
          if (kind === 'tail' && !present) {
            queue.pushTail(item)
            model.push(item)
          } else if (kind === 'head' && !present) {
            queue.pushHead(item)
            model.unshift(item)
          } else if (kind === 'remove' && present) {
            queue.remove(item)
            model.splice(model.indexOf(item), 1)
          } else if (kind === 'shift') {
            expect(queue.shift()).toBe(model.shift() ?? -1)
          }
          expect([queue.size, queue.head, queue.tail]).toEqual([
            model.length,
            model[0] ?? -1,
            model.at(-1) ?? -1,
          ])
        }
        const walked: number[] = []
        for (let i = queue.head; i !== -1; i = queue.after(i)) walked.push(i)
        expect(walked).toEqual(model)
      }),
    )
  })
})
