import type { Bounds } from './bounds.js'
import type { Condition } from './division.js'

const NO_CONDITIONS: readonly Condition[] = Object.freeze([])

/**
 * Conditions of a division without groups.
 * @param overcommitted whether floors in demand exceed the capacity; guarantees beyond it are a condition even when idle.
 */
export function conditionsOf(
  capacity: number,
  { active, guaranteed }: Pick<Bounds, 'active' | 'guaranteed'>,
  overcommitted: boolean,
): readonly Condition[] {
  const beyond = overcommitted || guaranteed > capacity
  if (!beyond && active <= capacity) return NO_CONDITIONS
  const conditions: Condition[] = []
  if (beyond) conditions.push({ kind: 'guarantees_overcommitted', group: null, guaranteed, capacity })
  if (active > capacity) conditions.push({ kind: 'fewer_units_than_claims', claims: active, capacity })
  return conditions
}
