import { invariant } from '@kvasir/kernel'
import { capOf, checkClaim, heldCapOf, isHealthy, shareOfCapacity, unitOf } from '../bounds.js'
import { conditionsOf } from '../conditions.js'
import type { Claim, Condition, DivisionInput } from '../division.js'
import { LevelIndex } from './level-index.js'

const EXACT_UP_TO = 2 ** 53

/**
 * A division that is kept while claims come, change and go: the amounts are those of `divide` over the same claims, to the unit,
 * without dividing again. For pools of thousands of claims of which few change at a time.
 *
 * A change costs a few places in ordered lists; the first read after it finds the level (O(sqrt n)) and who gets the rounding units
 * (O(distinct weights), and a walk over the claims of one weight where ids decide). Every other read is O(1). When the number of
 * claims with demand passes the capacity, everything is placed again.
 *
 * No groups, and no fractions carried between rounds: what is owed over time is different for everybody in every round, so dividing
 * it takes O(n) whatever changed.
 *
 * Hot path: 10 to 30 us a change and read among 10,000 claims (`kvasir bench allocation`).
 */
export class IncrementalDivision {
  readonly capacity: number
  readonly #shareMax: number
  readonly #members = new Map<string, number>()
  readonly #ids: string[] = []
  readonly #claims: Claim[] = []
  readonly #vacant: number[] = []
  /** Floors and caps; what is divided when the floors do not fit; what is lent when the caps leave something. */
  readonly #shares: LevelIndex
  readonly #guarantees: LevelIndex
  readonly #loans: LevelIndex
  #active = 0
  #guaranteed = 0
  #weightSum = 0
  #unit = 1
  #settled = false

  /** @throws {InvariantError} on numbers that validation refuses, and when products pass 2^53: see `put`. */
  constructor(input: Pick<DivisionInput, 'capacity' | 'claims' | 'maxShare'>) {
    const { capacity, claims, maxShare = 1 } = input
    invariant(
      Number.isInteger(capacity) && capacity >= 0 && capacity <= EXACT_UP_TO,
      () => `capacity ${capacity} is no whole number in 0..2^53`,
    )
    this.capacity = capacity
    this.#shareMax = shareOfCapacity(capacity, maxShare)
    this.#shares = new LevelIndex(this.#ids)
    this.#guarantees = new LevelIndex(this.#ids)
    this.#loans = new LevelIndex(this.#ids)
    for (const claim of claims) this.put(claim)
  }

  /**
   * A new claim, or new terms for one.
   * @throws {InvariantError} on numbers that validation refuses, on a group, and when the number of claims times the capacity, or
   * times the sum of weights, passes 2^53.
   */
  put(claim: Claim): void {
    checkClaim(claim)
    invariant(
      claim.group === undefined,
      () => `${claim.id} is in group ${claim.group}: groups are divided as a whole`,
    )
    const known = this.#members.get(claim.id)
    const old = known === undefined ? undefined : this.#claims[known]
    const count = this.#members.size + (known === undefined ? 1 : 0)
    const weightSum = this.#weightSum + claim.weight - (old?.weight ?? 0)
    invariant(
      count * Math.max(this.capacity, weightSum) <= EXACT_UP_TO,
      () => `${count} claims on ${this.capacity} units with weights of ${weightSum} pass 2^53`,
    )
    const member = known ?? this.#vacant.pop() ?? this.#claims.length
    this.#settled = false
    this.#weightSum = weightSum
    if (old !== undefined) this.#uncount(old)
    this.#count(claim)
    if (old !== undefined && old.weight !== claim.weight) this.#takeOut(member)
    this.#members.set(claim.id, member)
    this.#ids[member] = claim.id
    this.#claims[member] = claim
    this.#place(member, old === undefined || old.weight !== claim.weight ? 'add' : 'change')
    this.#followUnit()
  }

  /** Whoever is unknown changes nothing. */
  remove(id: string): void {
    const member = this.#members.get(id)
    if (member === undefined) return
    this.#settled = false
    this.#weightSum -= this.#claims[member].weight
    this.#uncount(this.#claims[member])
    this.#takeOut(member)
    this.#members.delete(id)
    this.#vacant.push(member)
    this.#followUnit()
  }

  /** Whole amount of a claim; undefined when there is none of that id. O(1) once read after a change. */
  amountOf(id: string): number | undefined {
    const member = this.#members.get(id)
    if (member === undefined) return undefined
    return Math.min(this.#divided().amountOf(member), this.#usableBy(member))
  }

  /** The real-valued amount that `amountOf` rounds. */
  exactOf(id: string): number | undefined {
    const member = this.#members.get(id)
    if (member === undefined) return undefined
    return Math.min(this.#divided().exactOf(member), this.#usableBy(member))
  }

  /** What the claim may have of what nobody demanded. */
  lentTo(id: string): number | undefined {
    const member = this.#members.get(id)
    if (member === undefined) return undefined
    this.#divided()
    return this.#spare > 0 ? this.#loans.amountOf(member) : 0
  }

  /** As `Division.level`. */
  get level(): number | null {
    const { level } = this.#divided()
    return level === Infinity ? null : level
  }

  /** As `Division.conditions`. */
  get conditions(): readonly Condition[] {
    return conditionsOf(
      this.capacity,
      { active: this.#active, guaranteed: this.#guaranteed },
      this.#divided() === this.#guarantees,
    )
  }

  /** What the caps leave of the capacity. */
  get #spare(): number {
    return this.capacity - this.#shares.highSum
  }

  /** The level that holds, settled. */
  #divided(): LevelIndex {
    const contended = this.#spare < 0
    const level = contended && this.#shares.lowSum > this.capacity ? this.#guarantees : this.#shares
    if (this.#settled) return level
    level.settle(this.capacity)
    if (this.#spare > 0) this.#loans.settle(this.#spare)
    this.#settled = true
    return level
  }

  /** Less than what is set aside only where a lending limit keeps more. */
  #usableBy(member: number): number {
    const claim = this.#claims[member]
    return claim.lendingLimit === undefined ? Infinity : capOf(claim, this.#shareMax)
  }

  #place(member: number, how: 'add' | 'change'): void {
    const claim = this.#claims[member]
    const { weight, guarantee, limit } = claim
    const shareMax = this.#shareMax
    const cap = heldCapOf(claim, shareMax)
    const unit = unitOf(claim, { shareMax, unit: this.#unit })
    const floor = Math.min(Math.max(guarantee, unit), cap)
    const headroom = isHealthy(claim) ? Math.min(limit, shareMax) - capOf(claim, shareMax) : 0
    if (how === 'add') {
      this.#shares.add(member, weight, floor, cap)
      this.#guarantees.add(member, weight, unit, floor)
      this.#loans.add(member, weight, 0, headroom)
    } else {
      this.#shares.change(member, floor, cap)
      this.#guarantees.change(member, unit, floor)
      this.#loans.change(member, 0, headroom)
    }
  }

  #takeOut(member: number): void {
    this.#shares.remove(member)
    this.#guarantees.remove(member)
    this.#loans.remove(member)
  }

  #count(claim: Claim): void {
    if (!isHealthy(claim)) return
    this.#guaranteed += claim.guarantee
    if (capOf(claim, this.#shareMax) > 0) this.#active++
  }

  #uncount(claim: Claim): void {
    if (!isHealthy(claim)) return
    this.#guaranteed -= claim.guarantee
    if (capOf(claim, this.#shareMax) > 0) this.#active--
  }

  /** Everybody's floor changes when there are for the first time, or no longer, enough units for everybody. */
  #followUnit(): void {
    const unit = this.capacity >= this.#active ? 1 : 0
    if (unit === this.#unit) return
    this.#unit = unit
    for (const member of this.#members.values()) this.#place(member, 'change')
  }
}
