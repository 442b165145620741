import { describe, expect, it } from 'vitest'
import { type DefaultWorkload, defaultDay, defaultWorkload, FITTED_DAYS, FITTED_TRACES } from './defaults.js'
import { dispersion, fitArrivals, fitDay, lawOf } from './fitting/fit.js'
import { createArrivals } from './generators/arrivals.js'
import { meanLength } from './generators/length-law.js'
import { generateRequests } from './generators/workload.js'
import { limit, takeAll } from './streams/combinators.js'

const WORKLOADS: readonly DefaultWorkload[] = [
  'azure-conv',
  'azure-code',
  'mooncake-conversation',
  'mooncake-synthetic',
  'arena',
  'servegen',
]

describe('the default workloads', () => {
  it.each(WORKLOADS)('%s has the rate and the prompts it was fitted to', (name) => {
    const fit = FITTED_TRACES.get(name)
    if (fit?.arrivals === undefined) throw new Error(`${name} was not fitted`)
    const requests = takeAll(limit(generateRequests(defaultWorkload(name, 2), 1), 40_000))
    const { ratePerS } = fitArrivals(requests.map(({ arrivalUs }) => arrivalUs))
    // 40,000 gaps of coefficient of variation cv: the mean's standard error is cv / 200.
    expect(Math.abs(ratePerS / (2 * fit.arrivals.ratePerS) - 1)).toBeLessThan((4 * fit.arrivals.cv) / 200)
    const prompts = requests.reduce((sum, { promptTokens }) => sum + promptTokens, 0) / requests.length
    expect(Math.abs(prompts / meanLength(lawOf(fit.prompt)) - 1)).toBeLessThan(0.12)
  })

  it('pause like azure-code, whose counts per second a gamma law would scatter five times too far', () => {
    const requests = takeAll(limit(generateRequests(defaultWorkload('azure-code'), 1), 100_000))
    const arrivalsUs = requests.map(({ arrivalUs }) => arrivalUs)
    const { cv } = fitArrivals(arrivalsUs)
    expect(Math.abs(cv / 13.15 - 1)).toBeLessThan(0.1)
    // shared/data/traces/README.md: 13.18 over 1 s, 160.5 over 60 s.
    expect(Math.abs(dispersion(arrivalsUs, 1e6) / 13.18 - 1)).toBeLessThan(0.2)
    expect(Math.abs(dispersion(arrivalsUs, 60e6) / 160.5 - 1)).toBeLessThan(0.35)
  })

  it('name the models of their trace by their share', () => {
    const requests = takeAll(limit(generateRequests(defaultWorkload('servegen'), 1), 20_000))
    const share = requests.filter(({ model }) => model === 'm-small').length / requests.length
    expect(Math.abs(share - 121_573 / 379_456)).toBeLessThan(0.02)
    expect(new Set(requests.map(({ model }) => model)).size).toBe(4)
    expect(defaultWorkload('arena').models).toHaveLength(27)
  })

  it('have a day for every model of ServeGen', () => {
    for (const [model, day] of FITTED_DAYS) {
      const spec = defaultDay(model, 1)
      if (spec?.kind !== 'diurnal') throw new Error(`no day for ${model}`)
      const arrivals = createArrivals({ ...spec, gaps: { kind: 'constant' } }, 1, model)
      const counts = Array.from({ length: 24 }, (_, hour) => ({ atS: 3_600 * hour + 1_800, ratePerS: 0 }))
      for (let us = arrivals.next(); us !== undefined && us < 86_400e6; us = arrivals.next())
        counts[Math.floor(us / 3_600e6)].ratePerS += 1 / 3_600
      const again = fitDay(counts, 86_400)
      expect(Math.abs(again.meanRatePerS - 1)).toBeLessThan(0.001)
      expect(Math.abs(again.amplitude - day.amplitude)).toBeLessThan(0.005)
      expect(Math.abs(again.peakS - day.peakS)).toBeLessThan(100)
    }
    expect(defaultDay('no-such-model', 1)).toBeUndefined()
  })
})
