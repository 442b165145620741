import { invariant } from '@kvasir/kernel'
import { fillExactly } from './fill-exactly.js'
import { fillQuickly } from './fill-quickly.js'

/**
 * What has to be divided among the members of one level: `whole + part / denominator` units. Only a level below another can
 * have a fraction: its parent's exact share.
 */
export interface Share {
  readonly whole: number
  /** In 0..denominator-1. */
  readonly part: bigint
  readonly denominator: bigint
}

/**
 * One level of a division as a struct of arrays: n members with weight, floor and cap, and after `fill` each member's exact
 * amount `wholes + parts / denominator`. Hot path: arrays are kept between rounds, nothing is allocated once they have grown.
 */
export class Level {
  size = 0
  ids: string[] = []
  weights = new Float64Array(8)
  floors = new Float64Array(8)
  caps = new Float64Array(8)
  /** Smallest useful amount, given first when the floors don't fit: 1 for a claim with demand. */
  units = new Float64Array(8)
  /** What earlier rounds owe, in units. */
  lags = new Float64Array(8)

  /** Whole units of the exact amount. */
  wholes = new Float64Array(8)
  /** Numerator of what is left; unused where `bigParts` is set. */
  parts = new Float64Array(8)
  denominator = 1
  /** Set instead of `parts` when numbers outgrew 2^53. */
  bigParts: bigint[] | null = null
  bigDenominator = 1n
  /** Whole amounts after rounding. */
  amounts = new Float64Array(8)

  /** Units per weight; Infinity when every member has its cap. */
  lambda = Infinity
  overcommitted = false

  /** Member numbers in use by the fillers and by rounding. */
  scratch = new Int32Array(8)
  marks = new Int8Array(8)
  /** Ranks of the members in rounding. */
  deadlines = new Float64Array(8)
  tightness = new Float64Array(8)
  websters = new Float64Array(8)
  #capacity = 8

  /** Starts a new round of `size` members; every field of each has to be set. */
  reset(size: number): void {
    this.size = size
    this.ids.length = size
    this.bigParts = null
    if (size <= this.#capacity) return
    let capacity = this.#capacity
    while (capacity < size) capacity *= 2
    this.#capacity = capacity
    this.weights = new Float64Array(capacity)
    this.floors = new Float64Array(capacity)
    this.caps = new Float64Array(capacity)
    this.units = new Float64Array(capacity)
    this.lags = new Float64Array(capacity)
    this.wholes = new Float64Array(capacity)
    this.parts = new Float64Array(capacity)
    this.amounts = new Float64Array(capacity)
    this.scratch = new Int32Array(capacity)
    this.marks = new Int8Array(capacity)
    this.deadlines = new Float64Array(capacity)
    this.tightness = new Float64Array(capacity)
    this.websters = new Float64Array(capacity)
  }

  /** Exact amounts for a whole number of units. */
  fillWhole(units: number): void {
    if (!this.#pickBounds(units) || fillQuickly(this, units, 0, 1)) return
    fillExactly(this, { whole: units, part: 0n, denominator: 1n })
  }

  /** Exact amounts for a parent's share. */
  fill(share: Share): void {
    if (!this.#pickBounds(share.whole)) return
    const { whole, part, denominator } = share
    const small = denominator <= 2n ** 50n
    if (small && fillQuickly(this, whole, Number(part), Number(denominator))) return
    fillExactly(this, share)
  }

  /** Exact amount of a member, to double precision. */
  exactOf(member: number): number {
    if (this.bigParts === null) return this.wholes[member] + this.parts[member] / this.denominator
    return this.wholes[member] + Number(this.bigParts[member]) / Number(this.bigDenominator)
  }

  /** Exact amount of a member as the share of the level below it. */
  shareOf(member: number): Share {
    const whole = this.wholes[member]
    if (this.bigParts !== null)
      return { whole, part: this.bigParts[member], denominator: this.bigDenominator }
    if (this.parts[member] === 0) return { whole, part: 0n, denominator: 1n }
    return { whole, part: BigInt(this.parts[member]), denominator: BigInt(this.denominator) }
  }

  /** Sum of one column as far as it stays at or below `most`; Infinity beyond. Exact to 2^53. */
  sumUpTo(column: Float64Array, most: number): number {
    let room = most
    for (let i = 0; i < this.size; i++) {
      if (column[i] > room) return Infinity
      room -= column[i]
    }
    return most - room
  }

  /**
   * Decides between which bounds to divide `whole` units (a fraction on top changes none of these comparisons, for the bounds
   * are whole). False when everybody simply gets its cap.
   */
  #pickBounds(whole: number): boolean {
    this.overcommitted = false
    this.lambda = Infinity
    if (this.sumUpTo(this.caps, whole) !== Infinity) {
      this.denominator = 1
      for (let i = 0; i < this.size; i++) {
        this.wholes[i] = this.caps[i]
        this.parts[i] = 0
      }
      return false
    }
    if (this.sumUpTo(this.floors, whole) === Infinity) this.#divideFloors(whole)
    return true
  }

  /** Floors don't fit: they become the caps, and what anybody needs to move at all becomes the floor. */
  #divideFloors(whole: number): void {
    this.overcommitted = true
    const { units, floors, caps } = this
    for (let i = 0; i < this.size; i++) units[i] = Math.min(units[i], floors[i])
    const unitsFit = this.sumUpTo(units, whole) !== Infinity
    for (let i = 0; i < this.size; i++) {
      caps[i] = floors[i]
      floors[i] = unitsFit ? units[i] : 0
    }
    invariant(this.sumUpTo(caps, whole) === Infinity, () => `floors overcommit ${whole} units and fit them`)
  }
}
