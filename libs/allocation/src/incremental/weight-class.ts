import { compareIds } from '@kvasir/kernel'
import { SortedNumbers } from './sorted-numbers.js'

/**
 * All members of one weight. At a level their exact amounts are the same, `whole + rest / slope`, unless a bound holds them; so
 * is their claim to a rounding unit, and only ids tell them apart.
 */
export class WeightClass {
  readonly weight: number
  /** Member numbers in order of their ids. */
  readonly members: number[] = []
  readonly #lows = new SortedNumbers()
  readonly #highs = new SortedNumbers()

  /** Weight times level, in whole units and in parts. */
  whole = 0
  rest = 0
  /** Members strictly between their bounds; counted where there is a rest. */
  rising = 0
  /** Webster's rank of those. */
  rank = 0
  /** Who of the rising gets a rounding unit: nobody (null), or those up to an id (`LAST_ID`: all). */
  roundedUpTo: string | null = null

  constructor(weight: number) {
    this.weight = weight
  }

  add(member: number, low: number, high: number, ids: readonly string[]): void {
    this.members.splice(this.#placeOf(member, ids), 0, member)
    this.#lows.add(low)
    this.#highs.add(high)
  }

  remove(member: number, low: number, high: number, ids: readonly string[]): void {
    this.members.splice(this.#placeOf(member, ids), 1)
    this.#lows.remove(low)
    this.#highs.remove(high)
  }

  /** Bounds alone. */
  change(from: { low: number; high: number }, to: { low: number; high: number }): void {
    if (from.low !== to.low) {
      this.#lows.remove(from.low)
      this.#lows.add(to.low)
    }
    if (from.high !== to.high) {
      this.#highs.remove(from.high)
      this.#highs.add(to.high)
    }
  }

  /** Places the class at a level of `units / slope`, and forgets rounding. */
  setLevel(units: number, slope: number): void {
    const rest = units % slope
    const base = (units - rest) / slope
    const product = this.weight * rest
    if (product <= Number.MAX_SAFE_INTEGER) {
      this.rest = product % slope
      this.whole = this.weight * base + (product - this.rest) / slope
    } else {
      const exact = BigInt(this.weight) * BigInt(rest)
      this.rest = Number(exact % BigInt(slope))
      this.whole = this.weight * base + Number(exact / BigInt(slope))
    }
    this.rising = this.rest > 0 ? this.#lows.countUpTo(this.whole) - this.#highs.countUpTo(this.whole) : 0
    this.rank = (this.whole + 0.5) / this.weight
    this.roundedUpTo = null
  }

  #placeOf(member: number, ids: readonly string[]): number {
    let low = 0
    let high = this.members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareIds(ids[this.members[middle]], ids[member]) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
