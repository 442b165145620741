import { PoolWorld, type Report, type WorldOptions } from './pool-world.js'

/** What `a` could free: 10 bundles for 100 us, 20 for 300 us, 40 for 1,000 us, of priority 0. */
export const SUPPLY = [
  { priority: 0, bundles: 10, costUs: 100 },
  { priority: 0, bundles: 20, costUs: 300 },
  { priority: 0, bundles: 40, costUs: 1_000 },
] as const

/** What `a` says of itself in {@link contended}. */
export const BUSY: Report = { inUse: 80, tokens: 100, supply: SUPPLY }

/** A full pool of 100 bundles: `a` holds and uses 80 of them, `b` 20. */
export function contended(options: WorldOptions = {}): PoolWorld {
  const world = new PoolWorld(options)
  world.join('a')
  world.beat('a', { ...BUSY, inUse: 80 })
  world.join('b')
  world.beat('b', { inUse: 20, tokens: 100 })
  for (let i = 0; i < 4; i++) {
    world.pass(100_000)
    world.beat('a', BUSY)
    world.beat('b', { inUse: 20, tokens: 100 })
  }
  return world
}

/** {@link contended}, replanned a moment ago: what engines say now comes into a round a quarter of one later, and not at once. */
export function contendedAfterReplan(options: WorldOptions = {}): PoolWorld {
  const world = contended(options)
  world.beat('b', { inUse: 20, tokens: 200 })
  return world
}
