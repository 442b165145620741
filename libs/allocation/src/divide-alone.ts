import { type Bounds, boundsFor, capOf, checkClaim, isHealthy, unitOf } from './bounds.js'
import { conditionsOf } from './conditions.js'
import type { Claim, Division, DivisionInput } from './division.js'

/** Above it a level is a quotient of numbers that `divide` does not trust a double with. */
const WEIGHT_MAX = 2 ** 26

/**
 * What `divide` answers to a claim that has the resource to itself: all of it up to its cap, and the rest lent up to its limit. Most pools
 * have one engine, and the way of many claims is long for one. Undefined where that way is to be taken all the same.
 * @throws {InvariantError} on numbers that validation refuses.
 */
export function divideAlone(input: DivisionInput): Division | undefined {
  const { capacity, claims } = input
  const [claim] = claims
  if (claims.length !== 1 || claim.lendingLimit !== undefined || claim.weight > WEIGHT_MAX) return undefined
  const bounds = boundsFor(input)
  checkClaim(claim)
  const cap = capOf(claim, bounds.shareMax)
  const amount = Math.min(cap, capacity)
  const amounts = [amount]
  return {
    amounts,
    exact: amounts,
    level: cap > capacity ? capacity / claim.weight : null,
    lent: [
      isHealthy(claim) ? Math.min(capacity - amount, claim.limit - amount, bounds.shareMax - amount) : 0,
    ],
    conditions: conditionsOf(capacity, bounds, cap > capacity && floorOf(claim, bounds, cap) > capacity),
    carry: carryOf(input, claim),
  }
}

function floorOf(claim: Claim, bounds: Bounds, cap: number): number {
  return Math.min(Math.max(claim.guarantee, unitOf(claim, bounds)), cap)
}

/** Whole amounts leave what is owed as it was; who is away or unwell starts again from nothing. */
function carryOf({ carry }: DivisionInput, claim: Claim): Division['carry'] {
  const at = carry === undefined ? -1 : carry.ids.indexOf(claim.id)
  const owed = carry !== undefined && at >= 0 && isHealthy(claim) ? carry.errors[at] : 0
  const ids = carry !== undefined && at === 0 && carry.ids.length === 1 ? carry.ids : [claim.id]
  return { ids, errors: [owed], groupIds: [], groupErrors: [] }
}
