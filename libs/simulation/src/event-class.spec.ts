import { EventHeap } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { EventClass } from './event-class.js'

/** What happens first of what falls on the same microsecond, and why each stands before the next. */
const order: readonly (readonly [name: keyof typeof EventClass, before: string])[] = [
  ['StepEnd', 'a finished step frees memory and tokens that everything else of the instant may use'],
  ['CopyEnd', 'bundles that were copied out are free for everything else of the instant'],
  ['GroupWord', 'a step that has ended is heard of before a document that may order its memory back'],
  ['ToEngine', 'a decision made for this instant holds for what an engine says or takes in it'],
  ['ToPool', 'an owner hears what engines said before it looks at its own clock'],
  ['Fault', 'what has arrived was said before anything broke, and what begins now finds it broken'],
  ['Membership', 'an engine that joins now can take a request that arrives now'],
  ['Arrival', 'a request that arrives now is part of the demand that a round of this instant divides'],
  ['Submit', 'a request without a front end is submitted as it arrives; one that had to pass it is no later'],
  ['WakeCluster', 'what the cluster has for pools takes time to arrive: it waits for none of them'],
  ['WakePool', 'a round comes before the engines that would only wake to find the old one over'],
  ['WakeEngine', 'timers find what has happened, not the other way round'],
  ['Sample', 'a sample shows the instant as it ended'],
]

describe('events of the same microsecond', () => {
  it.each(order.map(([name, reason], i) => [i + 1, name, reason] as const))('%i. %s: %s', (place, name) => {
    expect(EventClass[name]).toBe(place - 1)
  })

  it('are all in the table', () => {
    expect(order.map(([name]) => name)).toEqual(Object.keys(EventClass))
  })

  it('pop in the order of the table whatever the order of pushing, and by sequence within a class', () => {
    const heap = new EventHeap()
    const classes = order.map(([name]) => EventClass[name])
    for (const eventClass of [...classes].reverse()) {
      heap.push(5, eventClass, 2 * eventClass)
      heap.push(5, eventClass, 2 * eventClass + 1)
    }
    heap.push(4, EventClass.Sample, 99)
    const popped = Array.from({ length: 2 * classes.length + 1 }, () => heap.pop())
    expect(popped).toEqual([99, ...classes.flatMap((eventClass) => [2 * eventClass, 2 * eventClass + 1])])
  })
})
