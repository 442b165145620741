import type { Level } from './level.js'

/** Products and sums below this are exact, with a bit to spare for the correction of a quotient. */
const EXACT_BELOW = 2 ** 52
/** Passes before the sorted method takes over; random inputs of any size need three to eight. */
const PASSES_MAX = 20

/**
 * Divides `whole + part / denominator` units among the members: amounts `clamp(weight x lambda, floor, cap)` that add up to it.
 * Hot path: about 60 ns a member (README.md), no allocation. Requires sum of floors <= units < sum of caps.
 *
 * Pegging (Bitran and Hax 1981): guess lambda as if nobody were bound; if the floors pull more than the caps give back, everybody
 * under its floor stays there for good, else everybody over its cap; repeat with the rest. Every pass is O(members left) in exact
 * integers. Members at the level share one denominator, `denominator x sum of their weights`.
 *
 * @returns false, with nothing usable written, when a product could pass 2^52 or an input made to defeat the guesses needs too many
 * passes: `fillExactly` must do it.
 */
export function fillQuickly(level: Level, whole: number, part: number, denominator: number): boolean {
  const { size, weights, floors, caps, wholes, parts, scratch: live, marks } = level
  let weight = 0
  let heaviest = 0
  let count = 0
  let left = whole
  for (let i = 0; i < size; i++) {
    if (floors[i] === caps[i]) {
      wholes[i] = caps[i]
      parts[i] = 0
      left -= caps[i]
      continue
    }
    live[count++] = i
    weight += weights[i]
    if (weights[i] > heaviest) heaviest = weights[i]
  }
  const widest = denominator * weight
  if (widest * Math.max(heaviest, size, 8) > EXACT_BELOW || whole * denominator + part > EXACT_BELOW * 2)
    return false

  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const units = left * denominator + part
    const scale = denominator * weight
    const rest = scale === 0 ? 0 : units % scale
    const base = scale === 0 ? 0 : (units - rest) / scale
    // How much floors pull up and caps hold back at this lambda, in whole units and in parts of `scale`.
    let pull = 0
    let pullParts = 0
    let marked = 0
    for (let k = 0; k < count; k++) {
      const i = live[k]
      const product = weights[i] * rest
      let quotient = Math.floor(product / scale)
      let remainder = product - quotient * scale
      if (remainder < 0) {
        quotient--
        remainder += scale
      }
      const amount = weights[i] * base + quotient
      wholes[i] = amount
      parts[i] = remainder
      if (amount < floors[i]) {
        pull += floors[i] - amount
        pullParts += remainder
        marks[k] = -1
        marked++
      } else if (amount > caps[i] || (amount === caps[i] && remainder > 0)) {
        pull -= amount - caps[i]
        pullParts += remainder
        marks[k] = 1
        marked++
      } else marks[k] = 0
    }
    if (marked === 0) {
      level.denominator = scale === 0 ? 1 : scale
      level.lambda = levelOf(level, units, scale, count)
      return true
    }
    const side = Math.abs(pull) > size ? Math.sign(pull) : Math.sign(pull * scale - pullParts)
    let kept = 0
    for (let k = 0; k < count; k++) {
      const i = live[k]
      const mark = marks[k]
      // Floors pull more: who is under its floor stays on it. Caps hold more: who is over its cap stays on it. Even: both.
      if (mark === 0 || mark === side) {
        live[kept++] = i
        continue
      }
      const bound = mark < 0 ? floors[i] : caps[i]
      wholes[i] = bound
      parts[i] = 0
      left -= bound
      weight -= weights[i]
    }
    count = kept
  }
  return false
}

/** The highest level that agrees with the amounts: where somebody could still rise, it is theirs; else where the next would start. */
function levelOf(level: Level, units: number, scale: number, count: number): number {
  const { floors, caps, weights, wholes, scratch: live } = level
  for (let k = 0; k < count; k++) if (wholes[live[k]] < caps[live[k]]) return units / scale
  let lowest = Infinity
  for (let i = 0; i < level.size; i++)
    if (wholes[i] < caps[i]) lowest = Math.min(lowest, floors[i] / weights[i])
  return lowest
}
