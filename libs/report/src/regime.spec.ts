import type { PoolSummary } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { regimeOfPolicies, regimeText, regimeWarnings } from './regime.js'
import { sampleReport } from './testing/sample-report.js'

const [sample] = Object.values(sampleReport().runs[0].summary.pools)

function pools(...loads: readonly (number | null)[]): { readonly pools: Record<string, PoolSummary> } {
  return {
    pools: Object.fromEntries(
      loads.map((load, i) => [`p${i}`, { ...sample, load, queueGrowth: 0, utilisation: 0.7 }]),
    ),
  }
}

describe('regime', () => {
  it('says how far a run was from saturation, by its busiest group', () => {
    expect(regimeText(pools(0.3, 0.75))).toBe(
      'loads 30.0 % to 75.0 % (p1): busy, 25.0 % below saturation; busy up to 70.0 % of the time',
    )
    expect(regimeText(pools(null))).toBe('too few requests to tell how near saturation')
  })

  it('warns of every group above 90 %, and of one whose queue grows', () => {
    expect(regimeWarnings(pools(0.3, 0.9))).toEqual([])
    expect(regimeWarnings(pools(0.3, 0.91))).toMatchObject([
      expect.stringMatching(/p1 works at 91.0 % of its capacity: above 90.0 %/),
    ])
    const growing = { pools: { p0: { ...sample, load: 0.8, queueGrowth: 0.2 } } }
    expect(regimeWarnings(growing)).toMatchObject([
      expect.stringMatching(/its queue grows by 20.0 % of what arrives: it is saturated/),
    ])
  })

  it('puts the regimes of policies side by side, with a warning where one is above 90 %', () => {
    const light = regimeOfPolicies(['a', 'b'], [[pools(0.2), pools(0.4)], [pools(0.7)]])
    expect(light).toBe('Load of the busiest group: a 40.0 %, light; b 70.0 %, busy.')
    const heavy = regimeOfPolicies(['a', 'b'], [[pools(0.2)], [pools(0.95)]])
    expect(heavy).toContain('b 95.0 %, near saturation. Above 90.0 % small errors of the capacity')
    expect(regimeOfPolicies(['a'], [[pools(null)]])).toBeUndefined()
  })
})
