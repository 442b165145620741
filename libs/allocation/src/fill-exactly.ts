import { invariant } from '@kvasir/kernel'
import type { Level, Share } from './level.js'

/** One end of a member's linear stretch: it grows with lambda from floor / weight to cap / weight. */
interface Breakpoint {
  readonly member: number
  readonly starts: boolean
  /** floor or cap. */
  readonly amount: bigint
  readonly weight: bigint
  readonly ratio: number
}

/**
 * The same division as `fillQuickly` in arbitrary precision: one sweep over the sorted breakpoints, O(n log n). For numbers whose
 * products pass 2^53 and for inputs made to defeat the quick method.
 */
export function fillExactly(level: Level, share: Share): void {
  const { size, caps, floors, weights } = level
  const units = BigInt(share.whole) * share.denominator + share.part
  const breakpoints = sortedBreakpoints(level)

  // Sum of the amounts at lambda: base + slope x lambda, between two breakpoints.
  let base = 0n
  let slope = 0n
  for (let i = 0; i < size; i++) base += BigInt(floors[i])
  const rising = new Uint8Array(size)
  const capped = new Uint8Array(size)
  let next = 0
  for (; next < breakpoints.length; next++) {
    const { member, starts, amount, weight } = breakpoints[next]
    if ((base * weight + slope * amount) * share.denominator > units * weight) break
    base += starts ? -amount : amount
    slope += starts ? weight : -weight
    rising[member] = starts ? 1 : 0
    capped[member] = starts ? 0 : 1
  }
  invariant(
    slope > 0n && next < breakpoints.length,
    () => `nobody is left to divide ${share.whole} units by level`,
  )

  const above = units - share.denominator * base
  const scale = share.denominator * slope
  const bigParts: bigint[] = []
  for (let i = 0; i < size; i++) {
    const product = rising[i] === 1 ? BigInt(weights[i]) * above : 0n
    const bound = capped[i] === 1 ? caps[i] : floors[i]
    level.wholes[i] = rising[i] === 1 ? Number(product / scale) : bound
    bigParts.push(product % scale)
  }
  level.lambda = Number(above) / Number(scale)
  level.bigParts = bigParts
  level.bigDenominator = scale
}

function sortedBreakpoints(level: Level): Breakpoint[] {
  const breakpoints: Breakpoint[] = []
  for (let i = 0; i < level.size; i++) {
    if (level.floors[i] === level.caps[i]) continue
    breakpoints.push(breakpoint(level, i, true), breakpoint(level, i, false))
  }
  // Rounding of a quotient keeps order, so only equal quotients need exact arithmetic; a start goes before an end.
  return breakpoints.sort((a, b) => {
    if (a.ratio !== b.ratio) return a.ratio - b.ratio
    const difference = a.amount * b.weight - b.amount * a.weight
    if (difference !== 0n) return difference < 0n ? -1 : 1
    return Number(b.starts) - Number(a.starts)
  })
}

function breakpoint(level: Level, member: number, starts: boolean): Breakpoint {
  const amount = starts ? level.floors[member] : level.caps[member]
  const weight = level.weights[member]
  return { member, starts, amount: BigInt(amount), weight: BigInt(weight), ratio: amount / weight }
}
