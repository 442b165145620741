import { invariant } from '@kvasir/kernel'
import type { CarryReader } from './carry.js'
import { CAPACITY_MAX, type Claim, type DivisionInput } from './division.js'
import type { Level } from './level.js'

const MILLION = 1_000_000

/** What one division's floors and caps are made from. */
export interface Bounds {
  /** Most any claim may have: floor(maxShare x capacity), in whole millionths. */
  readonly shareMax: number
  /** Claims that could use something. */
  readonly active: number
  /** 1 when there is a unit for every active claim, else 0. */
  readonly unit: number
  /** Sum of the guarantees of the healthy. */
  readonly guaranteed: number
  /** Whether some claim has a lending limit: what is set aside for it may be more than it can use. */
  readonly cuts: boolean
}

/** @throws {InvariantError} on a capacity or share that validation refuses. */
export function boundsFor(input: DivisionInput): Bounds {
  const { capacity, claims, maxShare = 1 } = input
  invariant(
    Number.isInteger(capacity) && capacity >= 0 && capacity <= CAPACITY_MAX,
    () => `capacity ${capacity} is no whole number in 0..2^53`,
  )
  invariant(maxShare >= 0 && maxShare <= 1, () => `maxShare ${maxShare} is outside 0..1`)
  const shareMax = shareOfCapacity(capacity, maxShare)
  let active = 0
  let guaranteed = 0
  let cuts = false
  for (let i = 0; i < claims.length; i++) {
    if (!isHealthy(claims[i])) continue
    guaranteed += claims[i].guarantee
    if (capOf(claims[i], shareMax) > 0) active++
    cuts ||= claims[i].lendingLimit !== undefined
  }
  return { cuts, shareMax, active, unit: capacity >= active ? 1 : 0, guaranteed }
}

/** floor(share x capacity), exact: in millionths, split so that no product passes 2^53. */
export function shareOfCapacity(capacity: number, share: number): number {
  const millionths = Math.round(share * MILLION)
  const rest = capacity % MILLION
  return ((capacity - rest) / MILLION) * millionths + Math.floor((rest * millionths) / MILLION)
}

export function isHealthy(claim: Claim): boolean {
  return claim.health === undefined || claim.health === 'healthy'
}

/** Most the claim can use. */
export function capOf(claim: Claim, shareMax: number): number {
  return isHealthy(claim) ? Math.min(claim.limit, claim.demand, shareMax) : 0
}

/** Most that is set aside for the claim: what it can use, or what of its guarantee it does not lend. */
export function heldCapOf(claim: Claim, shareMax: number): number {
  const { guarantee, lendingLimit } = claim
  if (lendingLimit === undefined || guarantee <= lendingLimit) return capOf(claim, shareMax)
  const held = Math.max(claim.demand, guarantee - lendingLimit)
  return isHealthy(claim) ? Math.min(claim.limit, held, shareMax) : 0
}

/** What the claim gets before anybody gets more, when there is a unit for everybody. */
export function unitOf(claim: Claim, bounds: Pick<Bounds, 'shareMax' | 'unit'>): number {
  return Math.min(bounds.unit, capOf(claim, bounds.shareMax))
}

/** @throws {InvariantError} on a weight or amount that validation refuses. */
export function checkClaim(claim: Claim): void {
  const { weight, guarantee, limit, demand, lendingLimit = Infinity } = claim
  invariant(
    Number.isInteger(weight) && weight >= 1 && weight <= CAPACITY_MAX,
    () => `weight ${weight} of ${claim.id} is no whole number from 1`,
  )
  invariant(
    isAmount(guarantee) && isAmount(limit) && isAmount(demand) && guarantee <= limit && guarantee < Infinity,
    () =>
      `guarantee ${guarantee}, limit ${limit}, demand ${demand} of ${claim.id} are no whole amounts in order`,
  )
  invariant(isAmount(lendingLimit), () => `lending limit ${lendingLimit} of ${claim.id} is no whole amount`)
}

/**
 * Writes a claim into a level as member `at`.
 * @throws {InvariantError} on a weight or amount that validation refuses.
 */
export function loadClaim(
  level: Level,
  at: number,
  claim: Claim,
  bounds: Bounds,
  carried: CarryReader,
): void {
  checkClaim(claim)
  const cap = heldCapOf(claim, bounds.shareMax)
  const unit = unitOf(claim, bounds)
  level.ids[at] = claim.id
  level.weights[at] = claim.weight
  level.caps[at] = cap
  level.units[at] = unit
  level.floors[at] = Math.min(Math.max(claim.guarantee, unit), cap)
  // A fraction is no credit to come back to: who is away or unwell starts again from nothing.
  level.lags[at] = isHealthy(claim) ? carried.errorOf(claim.id, at) : 0
}

function isAmount(value: number): boolean {
  return value >= 0 && (Number.isInteger(value) || value === Infinity)
}
