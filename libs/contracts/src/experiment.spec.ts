import { describe, expect, it } from 'vitest'
import { parseExperiment } from './parse-experiment.js'
import { parsePath, pathLabel } from './paths.js'
import { summaryPathProblems } from './summary-paths.js'

const good = {
  name: 'e',
  question: 'Which is better?',
  base: 'three-models',
  factors: [
    { name: 'policy', values: ['static', 'weighted-max-min'] },
    { name: 'load', path: 'workload.rateScale', values: [0.5, 1] },
  ],
  metrics: [{ path: 'goodputPerS', better: 'higher' }],
  comparisons: [{ factor: 'policy', subject: 'weighted-max-min', per: ['load'] }],
}

function problems(change: object): string {
  const parsed = parseExperiment({ ...good, ...change })
  return parsed.kind === 'refused' ? parsed.problems.join('\n') : ''
}

describe('parseExperiment', () => {
  it('fills in five seeds from 1', () => {
    const parsed = parseExperiment(good)
    expect(parsed).toMatchObject({ kind: 'parsed', value: { seeds: { first: 1, count: 5 }, repetitions: 1 } })
  })

  it('names field, value and what would be right', () => {
    expect(problems({ seeds: 'many' })).toContain('seeds is "many"; it must be')
    expect(problems({ qestion: 'x' })).toContain('qestion is not a known field')
    expect(problems({ qestion: 'x' })).toContain('did you mean question?')
    expect(problems({ metrics: [] })).toContain('metrics is empty')
  })

  it('knows the numbers of a summary, and near misses of their names', () => {
    const metric = (path: string) => problems({ metrics: [{ path, better: 'higher' }] })
    expect(metric('models.chat.ttftUs.p99')).toBe('')
    expect(metric('pools[*].utilisation')).toBe('')
    expect(metric('models["Llama-3.1-8B"].sloAttainment')).toBe('')
    expect(metric('goodputPerSecond')).toContain('did you mean goodputPerS?')
    expect(metric('ttftUs.p98')).toContain('ttftUs has no p98; did you mean p90?')
    expect(metric('ttftUs')).toContain('metrics[0].path is ttftUs, which is no number')
    expect(metric('policy')).toContain('which is no number')
  })

  it('refuses comparisons of what there is not', () => {
    const comparison = (change: object) =>
      problems({ comparisons: [{ factor: 'policy', subject: 'static', ...change }] })
    expect(comparison({ factor: 'polcy' })).toContain(
      'comparisons[0].factor is "polcy"; did you mean policy?',
    )
    expect(comparison({ subject: 'drf' })).toContain('must be one of static, weighted-max-min')
    expect(comparison({ against: ['static'] })).toContain('the subject itself')
    expect(comparison({ per: ['policy'] })).toContain('comparisons[0].per[0] is "policy"')
    expect(comparison({ metrics: ['goodput'] })).toContain('did you mean goodputPerS?')
  })

  it('refuses two factors, levels or metrics of one name, and names that are columns already', () => {
    expect(problems({ factors: [...good.factors, good.factors[0]] })).toContain('factors[2].name is "policy"')
    expect(
      problems({ factors: [{ name: 'policy', values: ['static', 'static', 'weighted-max-min'] }] }),
    ).toContain('factors[0].values[1] is "static"')
    expect(problems({ factors: [...good.factors, { name: 'seed', values: [1, 2] }] })).toContain(
      'a column of the results',
    )
    expect(problems({ stop: { metric: 'x', within: 0.1, seedsMax: 9 } })).toContain('stop.metric is "x"')
    expect(problems({ small: { factors: [{ name: 'loda', values: [1] }] } })).toContain('did you mean load?')
  })
})

describe('parsePath', () => {
  it('reads and writes names, indices, stars and quoted names', () => {
    for (const text of [
      'policy',
      'models[0].weight',
      'models[*].engine.order',
      'models["a.b"].slo.ttftMs',
      'a[1][*].b',
    ])
      expect(pathLabel(steps(text)), text).toBe(text)
    expect(steps('models["a.b"]')).toEqual([
      { kind: 'field', name: 'models' },
      { kind: 'field', name: 'a.b' },
    ])
  })

  it('refuses what is no path', () => {
    for (const text of ['.a', 'a..b', 'a.', 'a[', 'a[x]', '[0]b', 'a["]'])
      expect(parsePath(text).kind, text).toBe('refused')
    expect(summaryPathProblems('x', 'a..b')[0]).toContain('x is "a..b"; it must be a path')
  })
})

function steps(text: string) {
  const parsed = parsePath(text)
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  return parsed.value
}
