import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { halvingState, type HalvingShape, rungShares, rungSizes, type Score } from './successive-halving.js'

/** Rungs and who was in them, with the ranking of the last one. */
function halved(shape: HalvingShape, score: (rung: number, candidate: number) => Score) {
  const known = new Map<string, Score>()
  const rungs: (readonly number[])[] = []
  for (;;) {
    const state = halvingState(shape, (rung, candidate) => known.get(`${rung} ${candidate}`))
    if (state.kind === 'over') return { rungs, ranking: state.ranking }
    expect(state.rung).toBe(rungs.length)
    rungs.push(state.among)
    for (const candidate of state.among) known.set(`${state.rung} ${candidate}`, score(state.rung, candidate))
  }
}

describe('successive halving', () => {
  it('has rungs of ever fewer candidates with ever more budget', () => {
    expect(rungSizes({ candidates: 16, keep: 2 })).toEqual([16, 8, 4, 2])
    expect(rungShares({ candidates: 16, keep: 2 })).toEqual([1 / 8, 1 / 4, 1 / 2, 1])
    expect(rungSizes({ candidates: 10, keep: 3 })).toEqual([10, 4, 2])
    expect(rungSizes({ candidates: 1, keep: 2 })).toEqual([1])
  })

  it('never drops a candidate that is the best in every rung', () => {
    for (let seed = 0; seed < 200; seed++) {
      const rng = new SeededRng(seed, 'halving')
      const shape = { candidates: 1 + rng.int(40), keep: 2 + rng.int(3) }
      const champion = rng.int(shape.candidates)
      const { rungs, ranking } = halved(shape, (_, candidate) =>
        candidate === champion
          ? { meets: true, value: 2 }
          : { meets: rng.uniform() < 0.5, value: rng.uniform() },
      )
      expect(ranking[0], `seed ${seed}`).toBe(champion)
      expect(rungs.map(({ length }) => length)).toEqual(rungSizes(shape))
    }
  })

  it('keeps exactly the best of a rung', () => {
    for (let seed = 0; seed < 100; seed++) {
      const rng = new SeededRng(seed, 'rungs')
      const shape = { candidates: 2 + rng.int(30), keep: 2 }
      const values = Array.from({ length: shape.candidates }, () => rng.int(10))
      const { rungs } = halved(shape, (_, candidate) => ({ meets: true, value: values[candidate] }))
      for (const [rung, among] of rungs.slice(1).entries()) {
        const dropped = rungs[rung].filter((candidate) => !among.includes(candidate))
        const worst = Math.min(...among.map((candidate) => values[candidate]))
        const best = Math.max(-1, ...dropped.map((candidate) => values[candidate]))
        expect(best, `seed ${seed}`).toBeLessThanOrEqual(worst)
      }
    }
  })

  it('places what meets the goals before what does not, however good that is', () => {
    const { ranking } = halved({ candidates: 4, keep: 2 }, (_, candidate) => ({
      meets: candidate === 3,
      value: -candidate,
    }))
    expect(ranking).toEqual([3, 0])
  })
})
