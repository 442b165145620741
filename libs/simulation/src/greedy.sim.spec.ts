import { describe, expect, it } from 'vitest'
import { type Met, SharedGroup } from './testing/shared-group.js'

const met: Met = {
  finished: 0,
  preempted: 0,
  outsInSteps: 0,
  insInSteps: 0,
  outsBetweenSteps: 0,
  prefixHits: 0,
  refusedSteps: 0,
  expiredLeases: 0,
  movedBundles: 0,
}

describe('greedy decoding on a group that holds bytes', () => {
  for (let seed = 1; seed <= 40; seed++) {
    it(`gives the tokens of a sequence alone, chunked, preempted, swapped, cached or not (seed ${seed})`, () =>
      new SharedGroup(seed, met).run())
  }

  it('has met every way of losing memory', () => {
    console.info(`greedy law: ${JSON.stringify(met)}`)
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0)
  })
})
