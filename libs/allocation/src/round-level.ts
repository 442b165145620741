import { compareIds, invariant, mix32 } from '@kvasir/kernel'
import type { Level } from './level.js'
import { rankByDeadline } from './rank-by-deadline.js'

/**
 * Rounds a filled level to whole amounts that add up to `total`: everybody's floor, plus one for as many members with a fraction
 * as are needed. So `|amount - exact| < 1`, and no bound is passed, for bounds are whole. Leaves in `lags` what is owed next.
 *
 * Who gets the extra unit:
 * - `alone`: Webster's rank (2 floor + 1) / (2 weight), smallest first, compared exactly; then the id. The largest remainder would
 *   be simpler, but makes somebody lose a unit when the capacity grows in 5 % of random cases; this one in 0.03 %
 *   (reference/coordination.md §2.12; divide.property.spec.ts measures it).
 * - `over-time`: the order of {@link rankByDeadline}, ties as above.
 *
 * Hot path: O(n) on average.
 */
export function roundLevel(level: Level, total: number, mode: 'alone' | 'over-time'): void {
  const { size, wholes, amounts, scratch: candidates } = level
  let count = 0
  let left = total
  for (let i = 0; i < size; i++) {
    amounts[i] = wholes[i]
    left -= wholes[i]
    if (hasFraction(level, i)) candidates[count++] = i
  }
  invariant(left >= 0 && left <= count, () => `${left} units left to round among ${count} fractions`)
  if (left > 0 && left < count) {
    if (mode === 'over-time') rankByDeadline(level, count)
    rankByWebster(level, count)
    selectFirst(level, count, left, mode === 'over-time' ? earlier : smallerWebster)
  }
  for (let k = 0; k < left; k++) amounts[candidates[k]]++
  for (let k = 0; k < count; k++) settleLag(level, candidates[k])
}

function hasFraction(level: Level, member: number): boolean {
  return level.bigParts === null ? level.parts[member] > 0 : level.bigParts[member] > 0n
}

/** New lag = old + fraction - extra unit, in numerators, so that a run of equal rounds never drifts. */
function settleLag(level: Level, member: number): void {
  const { lags, wholes, amounts, parts, denominator, bigParts, bigDenominator } = level
  const extra = amounts[member] - wholes[member]
  if (bigParts === null) {
    const owed = Math.round(lags[member] * denominator)
    lags[member] = (owed + parts[member] - extra * denominator) / denominator
  } else lags[member] += Number(bigParts[member]) / Number(bigDenominator) - extra
}

function rankByWebster(level: Level, count: number): void {
  const { scratch: candidates, websters, wholes, weights } = level
  for (let k = 0; k < count; k++) {
    const i = candidates[k]
    websters[i] = (wholes[i] + 0.5) / weights[i]
  }
}

type Before = (level: Level, a: number, b: number) => boolean

/** Eligible and urgent first, then the tie-breaks of the algorithm, then Webster. */
function earlier(level: Level, a: number, b: number): boolean {
  const { deadlines, tightness } = level
  if (deadlines[a] !== deadlines[b]) return deadlines[a] < deadlines[b]
  if (tightness[a] !== tightness[b]) return tightness[a] > tightness[b]
  return smallerWebster(level, a, b)
}

function smallerWebster(level: Level, a: number, b: number): boolean {
  const { websters, wholes, weights, ids } = level
  // A quotient of exact numbers keeps their order when rounded; above 2^51 the halves themselves are no longer exact.
  const huge = wholes[a] > 2 ** 51 || wholes[b] > 2 ** 51
  if (websters[a] !== websters[b] && !huge) return websters[a] < websters[b]
  if (wholes[a] !== wholes[b] || weights[a] !== weights[b]) {
    const left = (2n * BigInt(wholes[a]) + 1n) * BigInt(weights[b])
    const right = (2n * BigInt(wholes[b]) + 1n) * BigInt(weights[a])
    if (left !== right) return left < right
  }
  return compareIds(ids[a], ids[b]) < 0
}

/** Quickselect: afterwards the first `wanted` candidates are those that come first, in no particular order. */
function selectFirst(level: Level, count: number, wanted: number, before: Before): void {
  let low = 0
  let high = count - 1
  while (low < high) {
    const middle = partition(level, low, high, before)
    if (middle === wanted || middle === wanted - 1) return
    if (middle < wanted) low = middle + 1
    else high = middle - 1
  }
}

/** Around a pivot whose place is scrambled, so that sorted and mirrored inputs are as cheap as random ones. */
function partition(level: Level, low: number, high: number, before: Before): number {
  const items = level.scratch
  const at = low + (mix32(low * 31 + high) % (high - low + 1))
  const pivot = items[at]
  items[at] = items[high]
  let store = low
  for (let k = low; k < high; k++) {
    const item = items[k]
    if (!before(level, item, pivot)) continue
    items[k] = items[store]
    items[store++] = item
  }
  items[high] = items[store]
  items[store] = pivot
  return store
}
