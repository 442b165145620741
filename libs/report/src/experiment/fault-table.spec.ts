import { type FaultRecordSummary, parseExperiment, type Summary } from '@kvasir/contracts'
import { planExperiment, type RunResult } from '@kvasir/experiment'
import { describe, expect, it } from 'vitest'
import { sampleBase } from '../testing/sample-base.js'
import { sampleReport } from '../testing/sample-report.js'
import { faultTable } from './fault-table.js'

const [{ summary: bare }] = sampleReport().runs

const plan = (() => {
  const parsed = parseExperiment({
    name: 'sample',
    question: 'How long?',
    base: sampleBase,
    factors: [{ name: 'policy', values: ['static', 'weighted-max-min'] }],
    metrics: [{ path: 'goodputPerS', better: 'higher' }],
  })
  if (parsed.kind === 'refused') throw new Error(parsed.problems.join('\n'))
  const planning = planExperiment({ spec: parsed.value, base: parsed.value.base })
  if (planning.kind === 'refused') throw new Error(planning.problems.join('\n'))
  return planning.value
})()

function fault(own: Partial<FaultRecordSummary>): FaultRecordSummary {
  return {
    kind: 'engine',
    target: 'chat@a',
    atUs: 1e6,
    ownedUs: 0,
    budgetsUs: 2e6,
    goodputUs: 3e6,
    deficit: 1,
    retried: 0,
    lost: 1,
    missed: 2,
    ...own,
  }
}

function result(cell: number, seed: number, list: readonly FaultRecordSummary[]): RunResult {
  const none = { count: 0, mean: null, max: null }
  const sums = { injected: list.length, retried: 0, lost: 0, missed: 0, deficit: null }
  const summary: Summary = {
    ...bare,
    faults: { ...sums, ownedUs: none, budgetsUs: none, goodputUs: none, list },
  }
  return { run: { cell, seed, repetition: 1 }, summary }
}

describe('the table of faults', () => {
  it('is not there where no run had a fault', () => {
    const run = { cell: 0, seed: 1, repetition: 1 }
    expect(faultTable({ plan, results: [{ run, summary: bare }] })).toBeUndefined()
  })

  it('has a row a cell and kind: the mean of a seed first, then over the seeds', () => {
    const table = faultTable({
      plan,
      results: [
        result(1, 1, [fault({ lost: 2 }), fault({ lost: 4 }), fault({ kind: 'coordinator', ownedUs: 1e6 })]),
        result(1, 2, [fault({ lost: 5 }), fault({ kind: 'coordinator', ownedUs: 3e6 })]),
        result(0, 1, [fault({})]),
      ],
    })
    expect(table?.header.slice(0, 4)).toEqual(['policy', 'kind', 'faults', 'owners back after'])
    expect(table?.rows.map((row) => row.slice(0, 3))).toEqual([
      ['static', 'engine', '1'],
      ['weighted-max-min', 'coordinator', '2'],
      ['weighted-max-min', 'engine', '3'],
    ])
    expect(table?.rows[1][3]).toBe('2.00 s (1.00 to 3.00)')
    expect(table?.rows[2][table.header.indexOf('lost')]).toBe('4 (3 to 5)')
  })

  it('says of how many faults a time did not come, and leaves them out of the mean', () => {
    const table = faultTable({
      plan,
      results: [
        result(0, 1, [fault({ budgetsUs: null, goodputUs: null })]),
        result(0, 2, [fault({ budgetsUs: null })]),
      ],
    })
    const row = table?.rows[0]
    expect(row?.slice(4, 6)).toEqual(['not before the end', '3.00 s; 1 of 2 not before the end'])
  })
})
