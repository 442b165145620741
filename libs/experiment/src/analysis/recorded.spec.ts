import type { ExperimentSpecInput } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { smallVersion } from '../plan/plan-experiment.js'
import { samplePlan } from '../testing/sample-experiment.js'
import type { CellEstimate } from './cell-estimates.js'
import { besideRecorded } from './recorded.js'

const recorded: ExperimentSpecInput['recorded'] = [
  {
    name: 'others',
    source: 'their table',
    metric: 'goodput',
    times: 10,
    by: ['policy', 'load'],
    over: { factor: 'policy', level: 'static' },
    rows: [
      ['static', 0.5, 2],
      ['weighted-max-min', 0.5, 3],
    ],
  },
]

function estimate(cell: number, mean: number): CellEstimate {
  return { cell, metric: 'goodput', seeds: 1, mean, sd: 0, min: mean, max: mean, interval: null }
}

describe("others' numbers", () => {
  const plan = samplePlan({ recorded })
  const at = (policy: string, load: string) =>
    plan.cells.findIndex(({ levels }) => levels[0] === policy && levels[1] === load)

  it('stand beside the mean of their cell, in its unit, with ratios to the level they are relative to', () => {
    const estimates = [estimate(at('static', '0.5'), 40), estimate(at('weighted-max-min', '0.5'), 50)]
    const [{ rows }] = besideRecorded(plan, estimates)
    expect(rows).toEqual([
      { levels: ['static', '0.5'], recorded: 20, measured: 40, recordedRatio: 1, measuredRatio: 1 },
      {
        levels: ['weighted-max-min', '0.5'],
        recorded: 30,
        measured: 50,
        recordedRatio: 1.5,
        measuredRatio: 1.25,
      },
    ])
  })

  it('stand alone where nothing has been measured yet', () => {
    const [{ rows }] = besideRecorded(plan, [])
    expect(rows.map(({ measured, measuredRatio }) => [measured, measuredRatio])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
  })

  it('are left out of a small version that does not run their levels', () => {
    const small = { factors: [{ name: 'policy', values: ['weighted-max-min'] }] }
    const { spec } = samplePlan({ recorded, small })
    expect(smallVersion(spec).recorded).toEqual([
      { ...spec.recorded[0], over: undefined, rows: [['weighted-max-min', 0.5, 3]] },
    ])
  })
})
