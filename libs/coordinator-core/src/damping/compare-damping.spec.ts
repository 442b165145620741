import { poolSettingsSchema } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { compareDamping } from './compare-damping.js'

const SEEDS = [1, 2, 3, 4, 5, 6]
const ROUNDS = 250

describe('six engines with noisy demands on one pool', () => {
  // Other loads and longer runs: `kvasir bench damping`.
  it(`stop half as much work for shares as without damping, and waste and favour nothing for it, seeds ${SEEDS.join(', ')}`, {
    timeout: 120_000,
  }, () => {
    const settings = poolSettingsSchema.parse({})
    const { damped, evictedRatio } = compareDamping({ load: 1.1, rounds: ROUNDS, settings }, SEEDS)
    expect(evictedRatio).toBeLessThan(0.5)
    for (const { seed, utilisation, jain } of damped) {
      expect(utilisation, `seed ${seed}`).toBeGreaterThan(0.999)
      expect(jain, `seed ${seed}`).toBeGreaterThan(0.99)
    }
  })
})
