import { SeededRng } from '@kvasir/kernel'

/** A demand that swings slowly and shakes all the time: what sequences that come, grow and end look like from far away. */
export interface NoisyDemand {
  readonly weight: number
  /** Bundles wanted in a round. */
  at(round: number): number
}

/** Relative to the mean: how far a demand swings, and by how much it may be off at any time. */
const SWING = 0.5
const NOISE = 0.2
/** Rounds of one swing. */
const PERIOD_MIN = 60
const PERIOD_MAX = 600

/**
 * Demands of one pool that together want `load` times its bundles on average, each near the share of its weight, up to half more or less.
 */
export function noisyDemands(
  seed: number,
  weights: readonly number[],
  { bundles, load }: { readonly bundles: number; readonly load: number },
): readonly NoisyDemand[] {
  const rng = new SeededRng(seed, 'noisy-demand')
  const parts = weights.map((weight) => weight * (0.5 + rng.uniform()))
  const sum = parts.reduce((total, part) => total + part, 0)
  return weights.map((weight, i): NoisyDemand => {
    const mean = (load * bundles * parts[i]) / sum
    const period = PERIOD_MIN + rng.int(PERIOD_MAX - PERIOD_MIN)
    const phase = rng.uniform()
    const noise = new SeededRng(seed, `noise-${i}`)
    return {
      weight,
      at: (round) => {
        const swing = 1 + SWING * Math.sin(2 * Math.PI * (round / period + phase))
        return Math.max(0, Math.round(mean * swing * (1 + NOISE * (2 * noise.uniform() - 1))))
      },
    }
  })
}
