import { poolSettingsSchema } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { compareDamping } from './compare-damping.js'

const SEEDS = [1, 2, 3, 4, 5, 6]
const ROUNDS = 200

describe('six engines with noisy demands on one pool', () => {
  it.each([0.9, 1.1, 1.3])(
    `stop half as much work for shares as without damping, and waste and favour nothing for it, load %d, seeds ${SEEDS.join(', ')}`,
    (load) => {
      const settings = poolSettingsSchema.parse({})
      const { damped, undamped, evictedRatio } = compareDamping({ load, rounds: ROUNDS, settings }, SEEDS)
      expect(evictedRatio).toBeLessThan(0.5)
      for (const { seed, utilisation, jain } of [...damped, ...undamped]) {
        expect(utilisation, `seed ${seed}`).toBeGreaterThan(0.999)
        expect(jain, `seed ${seed}`).toBeGreaterThan(0.99)
      }
    },
  )
})
