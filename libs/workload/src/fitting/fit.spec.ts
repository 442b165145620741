import { describe, expect, it } from 'vitest'
import { dispersion, fitArrivals, fitDay, fitLogNormal, fitPauses, lawOf } from './fit.js'

describe('fitting', () => {
  it('finds mean and deviation of the logarithms', () => {
    const fit = fitLogNormal([1, Math.exp(2)])
    expect(fit).toEqual({ mu: 1, sigma: 1, min: 1, max: Math.exp(2) })
    expect(lawOf(fit)).toEqual({ kind: 'log_normal', ...fit })
  })

  it('finds rate and coefficient of variation', () => {
    expect(fitArrivals([0, 500_000, 1_000_000])).toEqual({ ratePerS: 2, cv: 0 })
    const { ratePerS, cv } = fitArrivals([0, 0, 2_000_000, 2_000_000, 4_000_000])
    expect(ratePerS).toBe(1)
    expect(cv).toBe(1)
  })

  it('tells pauses from the gaps of an episode', () => {
    const episode = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((s) => s * 1e6)
    const arrivalsUs = [...episode, ...episode.map((us) => us + 109e6), ...episode.map((us) => us + 218e6)]
    expect(fitPauses(arrivalsUs, 5)).toEqual({ ratePerS: 1, cv: 0, meanEpisodeS: 9, meanPauseS: 100 })
  })

  it('finds the dispersion of counts', () => {
    expect(dispersion([0, 1, 2, 3, 4], 1)).toBe(0)
    expect(dispersion([0, 0, 0, 0, 2], 1)).toBe(2)
  })

  it('finds mean, amplitude and peak of a day', () => {
    const samples = Array.from({ length: 48 }, (_, i) => ({
      atS: i * 1_800,
      ratePerS: 10 + 4 * Math.cos((2 * Math.PI * (i * 1_800 - 70_000)) / 86_400),
    }))
    const { meanRatePerS, amplitude, peakS } = fitDay(samples, 86_400)
    expect(meanRatePerS).toBeCloseTo(10, 9)
    expect(amplitude).toBeCloseTo(0.4, 9)
    expect(peakS).toBeCloseTo(70_000, 5)
  })
})
