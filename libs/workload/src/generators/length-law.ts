import { invariant, type Rng, type Tokens, unreachable } from '@kvasir/kernel'
import { type LengthPair, MAX_TOKENS } from '../request.js'
import { normalCdf } from './normal-law.js'

/** A law of prompt or output lengths, in tokens. Every draw is rounded to a whole number of at least 1. */
export type LengthLaw =
  | { readonly kind: 'fixed'; readonly tokens: Tokens }
  /** Every whole number from `min` to `max`, both included. */
  | { readonly kind: 'uniform'; readonly min: Tokens; readonly max: Tokens }
  /**
   * exp(mu + sigma·N), then clamped to min..max: mass beyond an end gathers there, which moves the mean a
   * little.
   */
  | {
      readonly kind: 'log_normal'
      readonly mu: number
      readonly sigma: number
      readonly min?: Tokens | undefined
      readonly max?: Tokens | undefined
    }
  /**
   * Pareto with tail index `alpha` between `min` and `max` (bounded, so that one draw cannot fill a
   * cluster).
   */
  | { readonly kind: 'pareto'; readonly alpha: number; readonly min: Tokens; readonly max: Tokens }
  /** With probability `longShare` from `long`, else from `short`. */
  | {
      readonly kind: 'bimodal'
      readonly short: LengthLaw
      readonly long: LengthLaw
      readonly longShare: number
    }
  /** One of these, each as likely. */
  | { readonly kind: 'empirical'; readonly samples: readonly Tokens[] }

/**
 * Lengths of a request: two independent laws, or recorded pairs, which keep what ties an output to its
 * prompt.
 */
export type LengthSpec =
  | { readonly kind: 'independent'; readonly prompt: LengthLaw; readonly output: LengthLaw }
  | { readonly kind: 'pairs'; readonly pairs: readonly LengthPair[] }

export function drawLength(law: LengthLaw, rng: Rng): Tokens {
  return Math.min(MAX_TOKENS, Math.max(1, Math.round(draw(law, rng))))
}

function draw(law: LengthLaw, rng: Rng): number {
  switch (law.kind) {
    case 'fixed':
      return law.tokens
    case 'uniform':
      return law.min + rng.int(law.max - law.min + 1)
    case 'log_normal':
      return Math.min(
        law.max ?? MAX_TOKENS,
        Math.max(law.min ?? 1, Math.exp(law.mu + law.sigma * rng.normal())),
      )
    case 'pareto':
      return law.min / (1 - rng.uniform() * (1 - (law.min / law.max) ** law.alpha)) ** (1 / law.alpha)
    case 'bimodal':
      return draw(rng.uniform() < law.longShare ? law.long : law.short, rng)
    case 'empirical':
      return law.samples[rng.int(law.samples.length)]
    default:
      return unreachable(law)
  }
}

/** Throws on parameters that no draw could make sense of. */
export function checkLengthLaw(law: LengthLaw): void {
  const say = () => `impossible length law ${JSON.stringify(law)}`
  switch (law.kind) {
    case 'fixed':
      return invariant(law.tokens >= 1, say)
    case 'uniform':
      return invariant(law.min >= 1 && law.max >= law.min, say)
    case 'log_normal':
      return invariant(
        law.sigma >= 0 && Number.isFinite(law.mu) && (law.min ?? 1) <= (law.max ?? MAX_TOKENS),
        say,
      )
    case 'pareto':
      return invariant(law.alpha > 0 && law.min >= 1 && law.max > law.min, say)
    case 'bimodal':
      invariant(law.longShare >= 0 && law.longShare <= 1, say)
      checkLengthLaw(law.short)
      return checkLengthLaw(law.long)
    case 'empirical':
      return invariant(law.samples.length > 0, () => 'empirical lengths without samples')
    default:
      return unreachable(law)
  }
}

/** Mean of the law before rounding: what a specification promises, for summaries and tests. */
export function meanLength(law: LengthLaw): number {
  switch (law.kind) {
    case 'fixed':
      return law.tokens
    case 'uniform':
      return (law.min + law.max) / 2
    case 'log_normal':
      return meanOfClampedLogNormal(law)
    case 'pareto':
      return meanOfBoundedPareto(law)
    case 'bimodal':
      return law.longShare * meanLength(law.long) + (1 - law.longShare) * meanLength(law.short)
    case 'empirical':
      return law.samples.reduce((sum, tokens) => sum + tokens, 0) / law.samples.length
    default:
      return unreachable(law)
  }
}

/** Mass below `min` and above `max` counts at those ends. */
function meanOfClampedLogNormal(law: Extract<LengthLaw, { kind: 'log_normal' }>): number {
  const { mu, sigma, min = 1, max = MAX_TOKENS } = law
  if (sigma === 0) return Math.min(max, Math.max(min, Math.exp(mu)))
  const low = (Math.log(min) - mu) / sigma
  const high = (Math.log(max) - mu) / sigma
  const inside = Math.exp(mu + sigma ** 2 / 2) * (normalCdf(high - sigma) - normalCdf(low - sigma))
  return min * normalCdf(low) + inside + max * (1 - normalCdf(high))
}

function meanOfBoundedPareto({ alpha, min, max }: { alpha: number; min: number; max: number }): number {
  const mass = 1 - (min / max) ** alpha
  if (alpha === 1) return (min * Math.log(max / min)) / mass
  return ((alpha * min) / (alpha - 1)) * ((1 - (min / max) ** (alpha - 1)) / mass)
}
