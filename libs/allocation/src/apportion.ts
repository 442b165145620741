import { CarryReader, type Carry } from './carry.js'
import { Level } from './level.js'
import { roundLevel } from './round-level.js'

export interface Apportionment {
  readonly amounts: readonly number[]
  readonly exact: readonly number[]
  readonly carry: Carry
}

/** Splits the whole capacity by weight alone, in whole units; a weight of 0 takes no part. */
export function apportion(
  capacity: number,
  ids: readonly string[],
  weights: readonly number[],
  carry?: Carry,
): Apportionment {
  const level = new Level()
  const carried = new CarryReader()
  carried.open(carry?.ids ?? [], carry?.errors ?? [])
  level.reset(ids.length)
  ids.forEach((id, i) => {
    level.ids[i] = id
    level.weights[i] = Math.max(1, weights[i])
    level.caps[i] = weights[i] > 0 ? capacity : 0
    level.floors[i] = 0
    level.units[i] = 0
    level.lags[i] = carried.errorOf(id, i)
  })
  level.fillWhole(capacity)
  const total = level.sumUpTo(level.caps, capacity)
  roundLevel(level, Math.min(total, capacity), carry === undefined ? 'alone' : 'over-time')
  return {
    amounts: ids.map((_, i) => level.amounts[i]),
    exact: ids.map((_, i) => level.exactOf(i)),
    carry: { ids, errors: ids.map((_, i) => level.lags[i]), groupIds: [], groupErrors: [] },
  }
}
