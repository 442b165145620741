import { type ExperimentSpecInput, parseExperiment } from '@kvasir/contracts'
import { metricsOf, planExperiment } from '@kvasir/experiment'
import { describe, expect, it } from 'vitest'
import { sampleBase } from '../testing/sample-base.js'
import { recordedTables } from './recorded-tables.js'

const spec: ExperimentSpecInput = {
  name: 'sample',
  question: 'As others had it?',
  base: sampleBase,
  factors: [{ name: 'order', path: 'engine.order', values: ['fcfs', 'srpt'] }],
  metrics: [{ name: 'mean', path: 'e2eUs.mean', better: 'lower', unit: 'seconds' }],
  recorded: [
    {
      name: 'others',
      source: 'their table',
      metric: 'mean',
      times: 1_000_000,
      by: ['order'],
      over: { factor: 'order', level: 'fcfs' },
      rows: [
        ['fcfs', 2],
        ['srpt', 1],
      ],
    },
  ],
}

describe("the table of others' numbers", () => {
  it('has theirs and ours in one unit, how much ours is of theirs, and both as ratios', () => {
    const parsed = parseExperiment(spec)
    if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
    const planning = planExperiment({ spec: parsed.value, base: parsed.value.base })
    if (planning.kind === 'refused') throw new Error(planning.problems.join('\n'))
    const estimate = {
      cell: 0,
      metric: 'mean',
      seeds: 1,
      mean: 4e6,
      sd: 0,
      min: 4e6,
      max: 4e6,
      interval: null,
    }
    const [table] = recordedTables({
      plan: planning.value,
      metrics: metricsOf(parsed.value.metrics),
      estimates: [estimate],
    })
    expect(table.caption).toBe('mean, recorded by others (their table)')
    expect(table.rows).toEqual([
      ['fcfs', '2.00 s', '4.00 s', '2.000', '1.000', '1.000'],
      ['srpt', '1.00 s', '–', '–', '0.500', '–'],
    ])
  })
})
