import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { downSample, groupMeans, MAX_POINTS, thin } from './down-sample.js'
import { foldMatrix, foldSeries, shownModels } from './fold-models.js'
import { sampleReport } from './testing/sample-report.js'

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

describe('down-sampling', () => {
  it('leaves short series alone and brings long ones below the limit', () => {
    const [short] = sampleReport({ rows: 400 }).runs
    expect(downSample(short.series)).toBe(short.series)
    const [long] = sampleReport({ rows: 5_003 }).runs
    const sampled = downSample(long.series)
    expect(sampled.timeUs.length).toBeLessThanOrEqual(MAX_POINTS)
    expect(sampled.endUs).toBe(long.series.endUs)
    for (const model of sampled.models) expect(model.queueLength).toHaveLength(sampled.timeUs.length)
    for (const pool of sampled.pools) expect(pool.utilisation).toHaveLength(sampled.timeUs.length)
  })

  it('keeps the mean of full groups', () => {
    expect(groupMeans([1, 3, 5, 7, 9], 2)).toEqual([2, 6, 9])
  })

  it('thins a list but keeps its ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), (length) => {
        const points = Array.from({ length }, (_, i) => i)
        const thinned = thin(points, 100)
        expect(thinned.length).toBe(Math.min(length, 100))
        expect([thinned[0], thinned.at(-1)]).toEqual([0, length - 1])
      }),
    )
  })
})

describe('many models', () => {
  const models = Array.from({ length: 27 }, (_, i) => `model-${i}`)
  const input = sampleReport({ models, rows: 50 })

  it('are shown up to six, the largest, in their order, and counted for the rest', () => {
    const shown = shownModels(input)
    expect(shown.names).toHaveLength(6)
    expect(shown.otherCount).toBe(21)
    expect(shown.names).toEqual(models.filter((model) => shown.names.includes(model)))
  })

  it('lose nothing when the others are added up', () => {
    const [run] = input.runs
    const folded = foldSeries(run, shownModels(input))
    expect(folded).toHaveLength(7)
    expect(folded[6].model).toBe('21 others')
    const total = (pick: (of: (typeof folded)[number]) => readonly number[]) => sum(folded.flatMap(pick))
    expect(total((model) => model.leasedBundles)).toBe(
      sum(run.series.models.flatMap((model) => model.leasedBundles)),
    )
  })

  it('keep all bundles of a matrix when it is made smaller', () => {
    const [{ preemptions }] = input.runs
    const folded = foldMatrix(preemptions, 8)
    expect(folded.names).toHaveLength(8)
    expect(sum(folded.bundles.flat())).toBe(sum(preemptions.bundles.flat()))
  })
})
