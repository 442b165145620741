import type { Rng } from '@kvasir/kernel'
import type { Claim, DivisionInput } from '../division.js'

export interface InstanceShape {
  readonly claimsMax: number
  readonly capacityMax: number
  readonly weightMax: number
}

/** A random flat division: tight and slack, with and without guarantees, limits, shares, idle and unwell claims. */
export function randomInput(rng: Rng, shape: InstanceShape): DivisionInput {
  const count = 1 + rng.int(shape.claimsMax)
  const capacity = rng.int(8) === 0 ? rng.int(2 * count) : wide(rng, shape.capacityMax)
  const weightMax = rng.int(3) === 0 ? 1 : shape.weightMax
  const guaranteed = rng.int(2) === 0
  const claims: Claim[] = []
  for (let i = 0; i < count; i++) {
    const share = Math.ceil(capacity / count)
    const limit = rng.int(3) === 0 ? wide(rng, 3 * share + 2) : Infinity
    const guarantee = guaranteed && rng.int(2) === 0 ? Math.min(limit, wide(rng, share + 2)) : 0
    const demand = rng.int(5) === 0 ? 0 : rng.int(4) === 0 ? Infinity : wide(rng, 4 * share + 2)
    const claim = { id: `engine-${i}`, weight: 1 + wide(rng, weightMax), guarantee, limit, demand }
    claims.push(rng.int(20) === 0 ? { ...claim, health: 'degraded' } : claim)
  }
  return rng.int(4) === 0 ? { capacity, claims, maxShare: 0.1 + 0.9 * rng.uniform() } : { capacity, claims }
}

/** Whole number in [0, bound), small and large ones alike; exact for any bound up to 2^53. */
export function wide(rng: Rng, bound: number): number {
  const reach = rng.int(2) === 0 ? bound : Math.max(1, Math.floor(bound ** rng.uniform()))
  return Math.min(bound - 1, Math.floor((rng.uniform() + rng.uniform() / 2 ** 32) * reach))
}

export function shuffled<T>(rng: Rng, items: readonly T[]): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.int(i + 1)
    const item = order[i]
    order[i] = order[j]
    order[j] = item
  }
  return order
}
