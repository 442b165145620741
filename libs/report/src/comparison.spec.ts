import { describe, expect, it } from 'vitest'
import { compareRuns, judge } from './comparison.js'
import { renderComparisonText } from './comparison-text.js'
import type { ComparisonCell } from './model.js'
import { sampleReport } from './testing/sample-report.js'
import { bestOf, marginText, subjectVerdict, verdictSentences } from './verdict.js'

const cell = (mean: number, min = mean, max = mean): ComparisonCell => ({
  mean,
  min,
  max,
  seeds: min === max ? 1 : 3,
})
const time = { better: 'lower', unit: 'us' } as const

describe('judging a row', () => {
  it('names the best and the runner-up, whichever direction is better', () => {
    expect(judge([cell(30), cell(10), cell(20)], time)).toEqual({ kind: 'won', winner: 1, runnerUp: 2 })
    expect(judge([cell(30), cell(10), cell(20)], { better: 'higher', unit: 'count' })).toEqual({
      kind: 'won',
      winner: 0,
      runnerUp: 2,
    })
  })

  it('calls a difference below one per cent a tie', () => {
    expect(judge([cell(1_000), cell(1_009), cell(1_100)], time)).toEqual({ kind: 'tied', policies: [0, 1] })
  })

  it('does not call 99 % and 100 % of the requests a tie', () => {
    const share = { better: 'higher', unit: 'share' } as const
    expect(judge([cell(0.99), cell(1)], share).kind).toBe('won')
    expect(judge([cell(0.999), cell(1)], share).kind).toBe('tied')
  })

  it('calls it a tie when the seeds of one policy differ by more than the policies', () => {
    expect(judge([cell(10, 8, 12), cell(11, 9, 13)], time).kind).toBe('tied')
    expect(judge([cell(10, 9.9, 10.1), cell(11, 10.9, 11.1)], time).kind).toBe('won')
  })

  it('leaves out policies without the number, and has no contest with fewer than two', () => {
    expect(judge([null, cell(3), cell(5)], time)).toEqual({ kind: 'won', winner: 1, runnerUp: 2 })
    expect(judge([null, cell(3)], time)).toEqual({ kind: 'no_contest' })
  })
})

describe('comparing runs', () => {
  const { runs, models } = sampleReport()
  const comparison = compareRuns(runs, { subject: 'weighted-max-min', models })

  it('has one column a policy in the order of the runs, and rows for the whole and for each model', () => {
    expect(comparison.policies).toEqual(['weighted-max-min', 'kapsl-compat', 'uncoordinated', 'static'])
    expect(new Set(comparison.rows.map((row) => row.scope))).toEqual(new Set(['', ...models]))
    for (const row of comparison.rows) expect(row.cells).toHaveLength(4)
  })

  it('accounts for every contested row as won, tied or lost', () => {
    const { wins, ties, losses } = subjectVerdict(comparison)
    const contested = comparison.rows.filter((row) => row.verdict.kind !== 'no_contest')
    expect(wins.length + ties.length + losses.length).toBe(contested.length)
    expect(losses.length).toBeGreaterThan(0)
  })

  it('says where the subject does not win, by whom and by how much', () => {
    const [first, second] = verdictSentences(comparison)
    expect(first).toMatch(/^weighted-max-min is alone best in \d+ of \d+ rows/)
    expect(second).toMatch(/^Where not: .*\(uncoordinated by [\d.]+×\)/)
  })

  it('marks a best value that really is the best', () => {
    for (const row of comparison.rows) {
      const means = row.cells.map((known) => known?.mean ?? Number.NaN)
      const best = row.better === 'lower' ? Math.min(...means) : Math.max(...means)
      expect(bestOf(row).map((column) => means[column])).toContain(best)
    }
  })

  it('averages seeds and keeps their spread', () => {
    const { runs: seeded } = sampleReport({ policies: ['static', 'weighted-max-min'], seeds: [1, 2, 3] })
    const row = compareRuns(seeded).rows.find(({ metric }) => metric === 'TTFT p99')
    const values = seeded.filter((run) => run.policy === 'static').map((run) => run.summary.ttftUs.p99 ?? 0)
    expect(row?.cells[0]).toEqual({
      mean: values.reduce((sum, value) => sum + value, 0) / 3,
      min: Math.min(...values),
      max: Math.max(...values),
      seeds: 3,
    })
  })

  it('warns when a policy finished fewer requests, got fewer, or was stopped', () => {
    expect(comparison.cautions.join()).toContain('static finished 99.0 %')
    const [a, b] = runs
    const summary = { ...b.summary, interrupted: true, requests: { ...b.summary.requests, submitted: 7 } }
    const cautions = compareRuns([a, { ...b, summary }]).cautions.join(' ')
    expect(cautions).toContain('did not get the same number of requests')
    expect(cautions).toContain('was stopped before')
  })

  it('gives no ratio to nothing', () => {
    const row = { ...comparison.rows[0], unit: 'count', better: 'lower' } as const
    const cells = [cell(0), cell(12)]
    expect(marginText({ ...row, cells, verdict: judge(cells, row) })).toBe('12 to 0')
  })

  it('is shown in a terminal with the best marked and the verdict below', () => {
    const text = renderComparisonText(comparison)
    const lines = text.split('\n')
    expect(lines[0]).toMatch(/weighted-max-min +kapsl-compat +uncoordinated +static +best by$/)
    expect(lines.find((line) => line.includes('TTFT p99 '))).toMatch(/[\d.]+ m?s\*/)
    expect(text).toContain('Where not:')
    expect(renderComparisonText(comparison, { emphasis: 'ansi' })).toContain('\u001b[1m')
  })
})
