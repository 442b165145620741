import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { fitLogNormal } from '../fitting/fit.js'
import { checkLengthLaw, drawLength, type LengthLaw, meanLength } from './length-law.js'
import { logGamma } from './log-gamma.js'
import { normalCdf } from './normal-law.js'

function sample(law: LengthLaw, seed: number, count = 60_000): readonly number[] {
  const rng = new SeededRng(seed, 'lengths')
  return Array.from({ length: count }, () => drawLength(law, rng))
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

const LAWS: readonly LengthLaw[] = [
  { kind: 'fixed', tokens: 17 },
  { kind: 'uniform', min: 4, max: 96 },
  { kind: 'log_normal', mu: 6.6, sigma: 1 },
  { kind: 'log_normal', mu: 6.6, sigma: 1, min: 300, max: 2_000 },
  { kind: 'log_normal', mu: 5, sigma: 0, min: 1, max: 100 },
  { kind: 'pareto', alpha: 1.2, min: 50, max: 20_000 },
  { kind: 'pareto', alpha: 1, min: 50, max: 20_000 },
  {
    kind: 'bimodal',
    short: { kind: 'fixed', tokens: 100 },
    long: { kind: 'uniform', min: 8_000, max: 12_000 },
    longShare: 0.1,
  },
  { kind: 'empirical', samples: [1, 5, 5, 900] },
]

describe.each([1, 2, 3])('lengths of seed %d', (seed) => {
  it.each(LAWS)('have the mean their law promises: %j', (law) => {
    checkLengthLaw(law)
    const lengths = sample(law, seed)
    expect(lengths.every((tokens) => Number.isInteger(tokens) && tokens >= 1)).toBe(true)
    const promised = meanLength(law)
    expect(Math.abs(mean(lengths) / promised - 1), `${mean(lengths)} for ${promised}`).toBeLessThan(0.05)
  })

  it('are log-normal with the parameters asked for', () => {
    const fit = fitLogNormal(sample({ kind: 'log_normal', mu: 7, sigma: 0.8 }, seed))
    expect(Math.abs(fit.mu - 7)).toBeLessThan(0.02)
    expect(Math.abs(fit.sigma - 0.8)).toBeLessThan(0.02)
  })

  it('have a Pareto tail: each doubling of the length is rarer by 2^alpha', () => {
    const lengths = sample({ kind: 'pareto', alpha: 1.5, min: 100, max: 1_000_000 }, seed)
    const above = (tokens: number) => lengths.filter((length) => length > tokens).length
    expect(Math.abs(above(400) / above(800) / 2 ** 1.5 - 1)).toBeLessThan(0.1)
  })
})

describe('lengths', () => {
  it('stay inside the ends of their law', () => {
    const ends = (lengths: readonly number[]) => [Math.min(...lengths), Math.max(...lengths)]
    expect(ends(sample({ kind: 'uniform', min: 4, max: 6 }, 1, 1_000))).toEqual([4, 6])
    expect(ends(sample({ kind: 'log_normal', mu: 3, sigma: 5, min: 2, max: 9 }, 1, 1_000))).toEqual([2, 9])
    const [low, high] = ends(sample({ kind: 'pareto', alpha: 0.1, min: 3, max: 50 }, 1, 5_000))
    expect(low).toBe(3)
    expect(high).toBeLessThanOrEqual(50)
  })

  it.each<LengthLaw>([
    { kind: 'fixed', tokens: 0 },
    { kind: 'uniform', min: 5, max: 4 },
    { kind: 'log_normal', mu: Number.NaN, sigma: 1 },
    { kind: 'log_normal', mu: 1, sigma: -1 },
    { kind: 'pareto', alpha: 0, min: 1, max: 2 },
    { kind: 'pareto', alpha: 1, min: 2, max: 2 },
    {
      kind: 'bimodal',
      short: { kind: 'fixed', tokens: 1 },
      long: { kind: 'fixed', tokens: 0 },
      longShare: 0.5,
    },
    { kind: 'empirical', samples: [] },
  ])('of an impossible law are refused: %j', (law) => {
    expect(() => checkLengthLaw(law)).toThrow()
  })
})

describe('the special functions', () => {
  it('ln Γ agrees with factorials', () => {
    let factorial = 1
    for (let n = 1; n <= 20; n++) {
      expect(Math.abs(logGamma(n) - Math.log(factorial))).toBeLessThan(1e-11)
      factorial *= n
    }
    expect(Math.abs(logGamma(0.5) - Math.log(Math.sqrt(Math.PI)))).toBeLessThan(1e-12)
  })

  it('the normal law agrees with its table', () => {
    expect(Math.abs(normalCdf(0) - 0.5)).toBeLessThan(1e-7)
    expect(Math.abs(normalCdf(1.96) - 0.9750021)).toBeLessThan(1e-6)
    expect(Math.abs(normalCdf(-1) - 0.1586553)).toBeLessThan(1e-6)
  })
})
