import { compareIds, invariant, mix32 } from '@kvasir/kernel'
import type { WeightClass } from './weight-class.js'

/** After every id. */
export const LAST_ID = '\u{10FFFF}'

/** Which members of a class are strictly between their bounds, and what they are called. */
export interface Members {
  readonly ids: readonly string[]
  isRising(member: number, whole: number): boolean
}

/**
 * Gives `units` rounding units to the members with the smallest Webster's rank, ties by id: the rule of `roundLevel` for whole
 * classes at once. O(classes), and a walk over the members of those classes that share the last rank.
 */
export function roundClasses(classes: readonly WeightClass[], units: number, members: Members): void {
  let left = units
  let candidates = classes.filter((each) => each.rising > 0)
  while (left > 0 && candidates.length > 0) {
    const { rank } = candidates[mix32(candidates.length) % candidates.length]
    const before = candidates.filter((each) => each.rank < rank)
    const beforeCount = risingIn(before)
    if (left < beforeCount) {
      candidates = before
      continue
    }
    for (const each of before) each.roundedUpTo = LAST_ID
    left -= beforeCount
    left = roundEquals(
      candidates.filter((each) => each.rank === rank),
      left,
      members,
    )
    candidates = candidates.filter((each) => each.rank > rank)
  }
  invariant(left === 0, () => `${left} of ${units} rounding units found nobody`)
}

/** Ranks that a double cannot tell apart, compared exactly. Answers what is left. */
function roundEquals(equals: readonly WeightClass[], units: number, members: Members): number {
  let left = units
  const sorted = [...equals].sort(compareRanks)
  for (let from = 0; from < sorted.length && left > 0; ) {
    let to = from + 1
    while (to < sorted.length && compareRanks(sorted[from], sorted[to]) === 0) to++
    const tied = sorted.slice(from, to)
    const count = risingIn(tied)
    const last = left >= count ? LAST_ID : idAt(tied, left, members)
    for (const each of tied) each.roundedUpTo = last
    left -= Math.min(left, count)
    from = to
  }
  return left
}

function risingIn(classes: readonly WeightClass[]): number {
  return classes.reduce((sum, each) => sum + each.rising, 0)
}

/** (2 whole + 1) / weight, by cross-multiplication. */
function compareRanks(a: WeightClass, b: WeightClass): number {
  const difference =
    (2n * BigInt(a.whole) + 1n) * BigInt(b.weight) - (2n * BigInt(b.whole) + 1n) * BigInt(a.weight)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The `count`-th smallest id among the rising members of classes of one rank. */
function idAt(classes: readonly WeightClass[], count: number, members: Members): string {
  return classes.length === 1
    ? members.ids[memberAt(classes[0], count, members)]
    : idAmong(classes, count, members)
}

/** The `count`-th rising member of a class, walking from the nearer end. */
function memberAt({ members: list, whole, rising }: WeightClass, count: number, members: Members): number {
  const backwards = count > rising / 2
  const step = backwards ? -1 : 1
  let wanted = backwards ? rising - count + 1 : count
  for (let at = backwards ? list.length - 1 : 0; ; at += step)
    if (members.isRising(list[at], whole) && --wanted === 0) return list[at]
}

/** The same over several classes: halves the ids that may be it, counting how many come up to one of them. */
function idAmong(classes: readonly WeightClass[], count: number, members: Members): string {
  const lists = classes.map((each) => risingOf(each, members))
  const froms = lists.map(() => 0)
  const tos = lists.map((list) => list.length)
  let last = LAST_ID
  for (;;) {
    const widest = tos.reduce((best, to, k) => (to - froms[k] > tos[best] - froms[best] ? k : best), 0)
    if (tos[widest] === froms[widest]) return last
    const middle = (froms[widest] + tos[widest]) >>> 1
    const id = members.ids[lists[widest][middle]]
    const ups = lists.map((list, k) => (k === widest ? middle + 1 : countUpTo(list, id, members)))
    if (ups.reduce((sum, up) => sum + up, 0) < count)
      ups.forEach((up, k) => (froms[k] = Math.max(froms[k], up)))
    else {
      last = id
      ups.forEach((up, k) => (tos[k] = Math.min(tos[k], k === widest ? middle : up)))
    }
  }
}

function risingOf({ members: list, whole }: WeightClass, members: Members): number[] {
  const rising: number[] = []
  for (let at = 0; at < list.length; at++) if (members.isRising(list[at], whole)) rising.push(list[at])
  return rising
}

/** How many of a list in order of ids come up to `id`. */
function countUpTo(list: readonly number[], id: string, members: Members): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareIds(members.ids[list[middle]], id) <= 0) low = middle + 1
    else high = middle
  }
  return low
}
