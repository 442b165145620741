import { poolSettingsSchema } from '@kvasir/contracts'
import { compareDamping, type DampingResult } from '@kvasir/coordinator-core'

/** Bars of the issue that asked for this: in-use evictions over those without damping, utilisation, Jain's index. */
export const DAMPING_BARS = { evictedRatio: 0.5, utilisation: 0.999, jain: 0.99 } as const

/** Mean demand of all engines together over the pool: a little too little, a little too much, and far too much. */
const LOADS = [0.9, 1.1, 1.3] as const

export interface DampingBenchRow {
  readonly load: number
  readonly damping: 'on' | 'off'
  /** Shares of the pool a round that had to be given up while in use: mean over the seeds. */
  readonly evicted: number
  /** The least of all seeds. */
  readonly utilisation: number
  readonly jain: number
}

export interface DampingBenchResult {
  readonly rounds: number
  readonly seeds: readonly number[]
  readonly rows: readonly DampingBenchRow[]
  /** By load: evictions with damping over those without. */
  readonly evictedRatios: readonly { readonly load: number; readonly ratio: number }[]
}

/** Noisy demands on a pool with the settings that owners have by default, and without dead zone and cap. */
export function dampingBench({
  rounds,
  seeds,
}: {
  readonly rounds: number
  readonly seeds: readonly number[]
}): DampingBenchResult {
  const settings = poolSettingsSchema.parse({})
  const compared = LOADS.map((load) => ({ load, ...compareDamping({ load, rounds, settings }, seeds) }))
  return {
    rounds,
    seeds,
    rows: compared.flatMap(({ load, damped, undamped }) => [
      rowOf(load, 'on', damped),
      rowOf(load, 'off', undamped),
    ]),
    evictedRatios: compared.map(({ load, evictedRatio: ratio }) => ({ load, ratio })),
  }
}

function rowOf(
  load: number,
  damping: DampingBenchRow['damping'],
  runs: readonly DampingResult[],
): DampingBenchRow {
  return {
    load,
    damping,
    evicted: runs.reduce((sum, { evicted }) => sum + evicted, 0) / runs.length,
    utilisation: Math.min(...runs.map(({ utilisation }) => utilisation)),
    jain: Math.min(...runs.map(({ jain }) => jain)),
  }
}
