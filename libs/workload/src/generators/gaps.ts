import { invariant, type Rng, unreachable } from '@kvasir/kernel'
import { logGamma } from './log-gamma.js'

/**
 * Law of the gaps between arrivals, all of mean 1: the rate curve stretches them. `cv` is the coefficient
 * of variation (standard deviation ÷ mean): 0 is a metronome, 1 is Poisson, above 1 comes in bursts.
 */
export type GapLaw =
  | { readonly kind: 'constant' }
  | { readonly kind: 'exponential' }
  | { readonly kind: 'gamma'; readonly cv: number }
  | { readonly kind: 'weibull'; readonly cv: number }

/** Draws gaps of mean 1. */
export type GapSampler = (rng: Rng) => number

export function gapSampler(law: GapLaw): GapSampler {
  switch (law.kind) {
    case 'constant':
      return () => 1
    case 'exponential':
      return (rng) => rng.exponential()
    case 'gamma': {
      checkCv(law.cv)
      const shape = 1 / (law.cv * law.cv)
      return (rng) => drawGamma(rng, shape) / shape
    }
    case 'weibull': {
      checkCv(law.cv)
      const shape = weibullShape(law.cv)
      const scale = 1 / Math.exp(logGamma(1 + 1 / shape))
      return (rng) => scale * rng.exponential() ** (1 / shape)
    }
    default:
      return unreachable(law)
  }
}

/**
 * Gamma variate of scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS
 * 2000).
 */
export function drawGamma(rng: Rng, shape: number): number {
  if (shape < 1) {
    // gamma(a) = gamma(a + 1) * U^(1/a); 1 - U keeps the base above 0.
    const boost = (1 - rng.uniform()) ** (1 / shape)
    return drawGamma(rng, shape + 1) * boost
  }
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = rng.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/**
 * Shape of the Weibull law with this coefficient of variation: cv² = Γ(1 + 2/k) / Γ(1 + 1/k)² - 1, which
 * falls as k grows.
 */
export function weibullShape(cv: number): number {
  const logRatio = Math.log1p(cv * cv)
  let low = 0.05
  let high = 1_000
  for (let i = 0; i < 100; i++) {
    const shape = Math.sqrt(low * high)
    if (logGamma(1 + 2 / shape) - 2 * logGamma(1 + 1 / shape) > logRatio) low = shape
    else high = shape
  }
  return Math.sqrt(low * high)
}

function checkCv(cv: number): void {
  invariant(
    cv > 0 && cv <= 100,
    () => `coefficient of variation ${cv} is not above 0 and at most 100; for 0 use constant gaps`,
  )
}
