import type { DivisionInput } from '../division.js'

/** A fraction in lowest terms is not needed: these are compared by cross-multiplication. */
export interface Rational {
  readonly num: bigint
  /** Above 0. */
  readonly den: bigint
}

export function compareRationals(a: Rational, b: Rational): number {
  const difference = a.num * b.den - b.num * a.den
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

export function whole(value: number): Rational {
  return { num: BigInt(value), den: 1n }
}

export interface OracleAnswer {
  readonly exact: readonly Rational[]
  readonly floors: readonly number[]
  readonly caps: readonly number[]
  readonly total: number
  /** Null when everybody has its cap. */
  readonly level: Rational | null
  readonly overcommitted: boolean
}

/**
 * The division as the design states it, in rationals, slow and without cleverness: evaluates the sum at every breakpoint and
 * interpolates between the two that enclose the capacity. O(n^2), written apart from the code it judges. No groups.
 */
export function oracle(input: DivisionInput): OracleAnswer {
  const { capacity, claims, maxShare = 1 } = input
  const shareMax = Number((BigInt(capacity) * BigInt(Math.round(maxShare * 1e6))) / 1_000_000n)
  const caps = claims.map((claim) =>
    (claim.health ?? 'healthy') === 'healthy' ? Math.min(claim.limit, claim.demand, shareMax) : 0,
  )
  const enough = capacity >= caps.filter((cap) => cap > 0).length
  const floors = claims.map((claim, i) =>
    Math.min(enough ? Math.max(claim.guarantee, 1) : claim.guarantee, caps[i]),
  )
  const weights = claims.map((claim) => claim.weight)
  const sumOfCaps = total(caps)
  const units = BigInt(capacity) < sumOfCaps ? capacity : Number(sumOfCaps)
  if (sumOfCaps <= BigInt(capacity))
    return { exact: caps.map(whole), floors, caps, total: units, level: null, overcommitted: false }

  const overcommitted = total(floors) > BigInt(capacity)
  const low = overcommitted ? floors.map((floor) => (enough ? Math.min(1, floor) : 0)) : floors
  const high = overcommitted ? floors : caps
  const level = highestLevel(weights, low, high, BigInt(capacity))
  const exact = weights.map((_, i) => clamped(level, weights[i], low[i], high[i]))
  return { exact, floors, caps, total: units, level, overcommitted }
}

function total(values: readonly number[]): bigint {
  return values.reduce((sum, value) => sum + BigInt(value), 0n)
}

function clamped(level: Rational, weight: number, low: number, high: number): Rational {
  const product = { num: level.num * BigInt(weight), den: level.den }
  if (compareRationals(product, whole(low)) < 0) return whole(low)
  if (compareRationals(product, whole(high)) > 0) return whole(high)
  return product
}

function sumAt(
  level: Rational,
  weights: readonly number[],
  low: readonly number[],
  high: readonly number[],
): Rational {
  let num = 0n
  weights.forEach((weight, i) => {
    const share = clamped(level, weight, low[i], high[i])
    num += share.den === 1n ? share.num * level.den : (share.num * level.den) / share.den
  })
  return { num, den: level.den }
}

/** The largest level whose sum is at most the capacity. */
function highestLevel(
  weights: readonly number[],
  low: readonly number[],
  high: readonly number[],
  capacity: bigint,
): Rational {
  const breakpoints = weights.flatMap((weight, i) => [
    { num: BigInt(low[i]), den: BigInt(weight) },
    { num: BigInt(high[i]), den: BigInt(weight) },
  ])
  let below: Rational = { num: 0n, den: 1n }
  let above: Rational | null = null
  for (const point of breakpoints) {
    const fits = compareRationals(sumAt(point, weights, low, high), { num: capacity, den: 1n }) <= 0
    if (fits && compareRationals(point, below) > 0) below = point
    if (!fits && (above === null || compareRationals(point, above) < 0)) above = point
  }
  if (above === null) return below
  // Between the two the sum is linear: slope = weights of those strictly inside their bounds there.
  const middle = { num: below.num * above.den + above.num * below.den, den: 2n * below.den * above.den }
  let slope = 0n
  weights.forEach((weight, i) => {
    const share = { num: middle.num * BigInt(weight), den: middle.den }
    if (compareRationals(share, whole(low[i])) > 0 && compareRationals(share, whole(high[i])) < 0)
      slope += BigInt(weight)
  })
  const base = sumAt(below, weights, low, high)
  if (slope === 0n) return above
  return {
    num: below.num * base.den * slope + (capacity * base.den - base.num) * below.den,
    den: below.den * base.den * slope,
  }
}
