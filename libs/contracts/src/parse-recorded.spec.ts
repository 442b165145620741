import { describe, expect, it } from 'vitest'
import { parseExperiment } from './parse-experiment.js'

const record = {
  name: 'others',
  source: 'their table',
  metric: 'goodputPerS',
  by: ['policy', 'load'],
  rows: [['static', 0.5, 2]],
}

function problems(change: object): string {
  const parsed = parseExperiment({
    name: 'e',
    question: 'Which is better?',
    base: 'three-models',
    factors: [
      { name: 'policy', values: ['static', 'weighted-max-min'] },
      { name: 'load', path: 'workload.rateScale', values: [0.5, 1] },
    ],
    metrics: [{ path: 'goodputPerS', better: 'higher' }],
    recorded: [{ ...record, ...change }],
  })
  return parsed.kind === 'refused' ? parsed.problems.join('\n') : ''
}

describe("others' numbers in an experiment", () => {
  it('belong to levels and metrics that the experiment has', () => {
    expect(problems({})).toBe('')
    expect(problems({ metric: 'goodput' })).toContain('recorded[0].metric is "goodput"')
    expect(problems({ by: ['policy', 'lod'] })).toContain('recorded[0].by[1] is "lod"; did you mean load?')
    expect(problems({ rows: [['statc', 0.5, 2]] })).toContain('recorded[0].rows[0][0] is "statc"')
    expect(problems({ over: { factor: 'policy', level: 'drf' } })).toContain(
      'recorded[0].over.level is "drf"',
    )
  })

  it('are rows of as many levels as there are factors, and a number', () => {
    expect(problems({ rows: [['static', 2]] })).toContain(
      'has 2 members; it must have 2 levels and the number',
    )
    expect(problems({ rows: [['static', 0.5, 'two']] })).toContain('is two; it must be a number')
  })
})
