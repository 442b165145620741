import { compareIds, invariant } from '@kvasir/kernel'
import { BreakpointList } from './breakpoint-list.js'
import { LAST_ID, type Members, roundClasses } from './round-classes.js'
import { WeightClass } from './weight-class.js'

/**
 * One level of a division kept in order while its members change, so that the level of the whole is found again without looking
 * at everybody: amounts clamp(weight x level, low, high) that add up to a number of units, and their rounding, as `Level` and
 * `roundLevel` find them. A member's amount is read from its bounds and the state of its weight.
 */
export class LevelIndex implements Members {
  readonly ids: readonly string[]
  #lows = new Float64Array(8)
  #highs = new Float64Array(8)
  readonly #classOf: WeightClass[] = []
  readonly #classes = new Map<number, WeightClass>()
  readonly #breakpoints = new BreakpointList()
  #lowSum = 0
  #highSum = 0
  #units = 0
  #slope = 0

  /** @param ids by member number, shared with the owner. */
  constructor(ids: readonly string[]) {
    this.ids = ids
  }

  /** Sums of all floors and of all caps. */
  get lowSum(): number {
    return this.#lowSum
  }

  get highSum(): number {
    return this.#highSum
  }

  /** Units per weight at the last `settle`; Infinity: everybody has its cap. */
  get level(): number {
    return this.#slope === 0 ? Infinity : this.#units / this.#slope
  }

  add(member: number, weight: number, low: number, high: number): void {
    if (member >= this.#lows.length) this.#grow()
    let group = this.#classes.get(weight)
    if (group === undefined) this.#classes.set(weight, (group = new WeightClass(weight)))
    this.#classOf[member] = group
    this.#set(member, low, high)
    group.add(member, low, high, this.ids)
    this.#addBreakpoints(weight, low, high)
  }

  remove(member: number): void {
    const group = this.#classOf[member]
    const [low, high] = [this.#lows[member], this.#highs[member]]
    group.remove(member, low, high, this.ids)
    if (group.members.length === 0) this.#classes.delete(group.weight)
    this.#removeBreakpoints(group.weight, low, high)
    this.#set(member, 0, 0)
  }

  /** New bounds, the same weight. */
  change(member: number, low: number, high: number): void {
    const from = { low: this.#lows[member], high: this.#highs[member] }
    if (from.low === low && from.high === high) return
    const group = this.#classOf[member]
    group.change(from, { low, high })
    this.#removeBreakpoints(group.weight, from.low, from.high)
    this.#addBreakpoints(group.weight, low, high)
    this.#set(member, low, high)
  }

  /** Divides `units`, of at least the sum of floors; beyond the sum of caps everybody has its cap. */
  settle(units: number): void {
    this.#slope = 0
    if (this.#highSum <= units) return
    const { base, slope } = this.#breakpoints.lineAt(this.#lowSum, units)
    invariant(slope > 0 && base <= units, () => `nobody is left to divide ${units} units by level`)
    this.#units = units - base
    this.#slope = slope
    const classes = [...this.#classes.values()]
    // Rests add up to the whole units that rounding has to give; below 2^53, for each is below the sum of weights.
    let rests = 0
    for (const each of classes) {
      each.setLevel(this.#units, slope)
      rests += each.rising * each.rest
    }
    invariant(rests % slope === 0, () => `fractions add up to ${rests} / ${slope} units`)
    roundClasses(classes, rests / slope, this)
  }

  /** Whole amount. O(1). */
  amountOf(member: number): number {
    if (this.#slope === 0) return this.#highs[member]
    const { whole, rest, roundedUpTo } = this.#classOf[member]
    if (whole < this.#lows[member]) return this.#lows[member]
    if (whole >= this.#highs[member]) return this.#highs[member]
    if (rest === 0 || roundedUpTo === null) return whole
    const rounded = roundedUpTo === LAST_ID || compareIds(this.ids[member], roundedUpTo) <= 0
    return rounded ? whole + 1 : whole
  }

  /** Exact amount, to double precision. O(1). */
  exactOf(member: number): number {
    if (this.#slope === 0) return this.#highs[member]
    const { whole, rest } = this.#classOf[member]
    if (whole < this.#lows[member]) return this.#lows[member]
    if (whole >= this.#highs[member]) return this.#highs[member]
    return whole + rest / this.#slope
  }

  isRising(member: number, whole: number): boolean {
    return this.#lows[member] <= whole && whole < this.#highs[member]
  }

  #set(member: number, low: number, high: number): void {
    this.#lowSum += low - this.#lows[member]
    this.#highSum += high - this.#highs[member]
    this.#lows[member] = low
    this.#highs[member] = high
  }

  #addBreakpoints(weight: number, low: number, high: number): void {
    if (low === high) return
    this.#breakpoints.add({ kind: 'starts', amount: low, weight })
    this.#breakpoints.add({ kind: 'stops', amount: high, weight })
  }

  #removeBreakpoints(weight: number, low: number, high: number): void {
    if (low === high) return
    this.#breakpoints.remove({ kind: 'starts', amount: low, weight })
    this.#breakpoints.remove({ kind: 'stops', amount: high, weight })
  }

  #grow(): void {
    const [lows, highs] = [this.#lows, this.#highs]
    this.#lows = new Float64Array(2 * lows.length)
    this.#highs = new Float64Array(2 * highs.length)
    this.#lows.set(lows)
    this.#highs.set(highs)
  }
}
