import type { Comparison, ComparisonRow } from './model.js'
import { describe, expect, it } from 'vitest'
import { headline } from './headline.js'

function row(
  metric: string,
  better: ComparisonRow['better'],
  means: readonly (number | null)[],
): ComparisonRow {
  const unit = better === 'higher' ? 'perSecond' : 'us'
  const cells = means.map((mean) => (mean === null ? null : { mean, min: mean, max: mean, seeds: 1 }))
  return { metric, scope: '', unit, better, cells, verdict: { kind: 'no_contest' } }
}

function comparison(...rows: readonly ComparisonRow[]): Comparison {
  return { policies: ['static', 'drf', 'proportional'], subject: 0, rows, cautions: [] }
}

describe('headline', () => {
  it('ranks goodput and says by how much', () => {
    expect(headline(comparison(row('goodput', 'higher', [2, 6, 5])))).toEqual([
      'Goodput: drf 6.00/s, that is 1.20× proportional (5.00/s), 3.00× static (2.00/s).',
    ])
  })

  it('goes by latency where there is no goodput, and leaves out who has no number', () => {
    expect(headline(comparison(row('E2E p50', 'lower', [2e6, null, 1e6])))).toEqual([
      'E2E p50: proportional 1.00 s, shorter than the others by 2.00× static (2.00 s).',
    ])
  })

  it('says nothing where there is nothing to compare', () => {
    expect(headline(comparison(row('goodput', 'higher', [null, 6, null])))).toEqual([])
    expect(headline(comparison())).toEqual([])
  })
})
