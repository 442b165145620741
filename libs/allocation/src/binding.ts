import { boundsFor, isHealthy } from './bounds.js'
import type { Claim, Division, DivisionInput } from './division.js'

/**
 * Which part of `exact = clamp(weight x level, floor, cap)` made an amount what it is. `capacity`: it has everything there is; `none`: it
 * is not healthy and gets nothing.
 */
export type BindingKind =
  | 'share'
  | 'demand'
  | 'limit'
  | 'max_share'
  | 'capacity'
  | 'guarantee'
  | 'minimum'
  | 'overcommitted'
  | 'none'

export interface Binding {
  readonly kind: BindingKind
  readonly floor: number
  readonly cap: number
}

/** Why a claim that would take more has no more. */
function ceilingOf({ limit }: Claim, cap: number, { capacity }: DivisionInput): BindingKind {
  if (cap >= capacity) return 'capacity'
  return cap === limit ? 'limit' : 'max_share'
}

/** What bound each claim of a division, in the order of the claims. For whoever explains one: a division does not need it. */
export function bindingsOf(input: DivisionInput, { exact }: Division): readonly Binding[] {
  const { shareMax, unit } = boundsFor(input)
  return input.claims.map((claim, i): Binding => {
    if (!isHealthy(claim)) return { kind: 'none', floor: 0, cap: 0 }
    const { demand, limit, guarantee } = claim
    const cap = Math.min(limit, demand, shareMax)
    const floor = Math.min(Math.max(guarantee, unit), cap)
    const bounds = { floor, cap }
    if (exact[i] >= cap) {
      return { kind: cap === demand ? 'demand' : ceilingOf(claim, cap, input), ...bounds }
    }
    if (exact[i] < floor) return { kind: 'overcommitted', ...bounds }
    if (exact[i] > floor) return { kind: 'share', ...bounds }
    return { kind: guarantee >= floor ? 'guarantee' : 'minimum', ...bounds }
  })
}
