import { describe, expect, it } from 'vitest'
import { SeededRng } from './rng.js'

const draws = (seed: number, stream: string, count = 5) => {
  const rng = new SeededRng(seed, stream)
  return Array.from({ length: count }, () => rng.uniform())
}

describe('SeededRng', () => {
  it('repeats a stream for the same seed and name, and only then', () => {
    expect(draws(7, 'arrivals')).toEqual(draws(7, 'arrivals'))
    expect(draws(7, 'arrivals')).not.toEqual(draws(8, 'arrivals'))
    expect(draws(7, 'arrivals')).not.toEqual(draws(7, 'lengths'))
    expect(draws(7, 'arrivals')).not.toEqual(draws(7 + 2 ** 32, 'arrivals'))
  })

  it('has the moments it promises', () => {
    const rng = new SeededRng(1, 'moments')
    const count = 200_000
    const mean = (draw: () => number) => {
      let sum = 0
      for (let i = 0; i < count; i++) sum += draw()
      return sum / count
    }
    expect(mean(() => rng.uniform())).toBeCloseTo(0.5, 2)
    expect(mean(() => rng.exponential())).toBeCloseTo(1, 1)
    expect(mean(() => rng.normal())).toBeCloseTo(0, 1)
    expect(mean(() => rng.normal() ** 2)).toBeCloseTo(1, 1)
    expect(mean(() => rng.int(6))).toBeCloseTo(2.5, 1)
  })
})
