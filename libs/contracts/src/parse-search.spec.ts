import { describe, expect, it } from 'vitest'
import { parseExperiment } from './parse-experiment.js'

const good = {
  name: 'e',
  question: 'How small?',
  base: 'three-models',
  factors: [{ name: 'policy', values: ['static', 'weighted-max-min'] }],
  metrics: [{ path: 'goodputPerS', better: 'higher' }],
}
const range = { name: 'rate', path: 'workload.rateScale', from: 0.5, to: 2 }

function problems(search: object, change: object = {}): string {
  const parsed = parseExperiment({ ...good, ...change, search })
  return parsed.kind === 'refused' ? parsed.problems.join('\n') : ''
}

describe('the search of an experiment', () => {
  it('asks for every model to keep its SLOs unless it says otherwise', () => {
    expect(parseExperiment({ ...good, search: { kind: 'largest', axis: range } })).toMatchObject({
      kind: 'parsed',
      value: {
        search: { goals: [{ path: 'models[*].sloAttainment', atLeast: 0.99 }], by: 'every-seed', checks: 1 },
      },
    })
  })

  it.each([
    [{ kind: 'smalest', axis: range }, 'search.kind is "smalest"; it must be one of smallest, largest, best'],
    [
      { kind: 'smallest', axis: range, goals: [{ path: 'goodputPerS' }] },
      'goals[0] has neither atLeast and atMost',
    ],
    [
      { kind: 'smallest', axis: range, goals: [{ path: 'godput', atLeast: 1 }] },
      'search.goals[0].path is godput',
    ],
    [{ kind: 'smallest', axis: { name: 'policy', from: 1, to: 2 } }, 'as factors[0].name is'],
    [{ kind: 'smallest', axis: { name: 'seed', from: 1, to: 2 } }, 'a column of the results already'],
    [{ kind: 'smallest', axis: { name: 'x' } }, 'search.axis has neither values and a range'],
    [{ kind: 'smallest', axis: { name: 'x', from: 1 } }, 'search.axis.to is missing'],
    [{ kind: 'smallest', axis: { name: 'x', from: 2, to: 2 } }, 'search.axis.to is 2; it must be above from'],
    [{ kind: 'smallest', axis: { name: 'x', values: ['a', 'a'] } }, 'search.axis.values[1] is "a"'],
    [
      { kind: 'smallest', axis: { name: 'x', values: ['a', 'b'], step: 2 } },
      'step is there; it goes with from and to',
    ],
    [
      { kind: 'largest', axis: { name: 'x', from: 0, to: 2, tolerance: 0.1 } },
      'from is 0; it must be above 0',
    ],
    [{ kind: 'largest', axis: { name: 'x', from: 0, to: 2, step: 1e-9 } }, 'step is 1e-9; it must be larger'],
    [{ kind: 'largest', axis: { ...range, each: { a: 1 } } }, 'has both path and each'],
    [
      { kind: 'best', axes: [{ name: 'x', choices: ['a', 'b'], scale: 'log' }] },
      'scale is there; it goes with',
    ],
    [{ kind: 'best', axes: [range, range] }, 'search.axes[1].name is "rate"'],
    [{ kind: 'best', axes: [range], metric: 'jain' }, 'search.metric is "jain"'],
    [
      { kind: 'best', axes: [{ name: 'x', from: 1.2, to: 1.8, whole: true }] },
      'whole number from 1.2 to 1.8',
    ],
    [
      { kind: 'best', axes: [{ ...range, name: 'duration' }], budget: ['duration'] },
      'search.budget has duration, a column',
    ],
  ])('refuses %j', (search, sentence) => {
    expect(problems(search)).toContain(sentence)
  })

  it('has no comparisons and no stopping rule beside it', () => {
    const search = { kind: 'largest', axis: range }
    expect(problems(search, { comparisons: [{ factor: 'policy', subject: 'static' }] })).toContain(
      'comparisons has 1',
    )
    expect(problems(search, { stop: { within: 0.1, seedsMax: 9 } })).toContain('stop is there')
  })
})
