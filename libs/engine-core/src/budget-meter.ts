import type { Micros } from '@kvasir/kernel'

/**
 * Counts what an engine schedules against its token budget, round by round on its own clock. A step may overdraw; the
 * excess is owed by the next rounds. What is not used is not saved. Steps run as a courtesy are not charged: nobody else
 * wanted the time.
 */
export class BudgetMeter {
  readonly #roundUs: Micros
  #round = 0
  #spent = 0
  #budget = 0

  constructor(roundUs: Micros) {
    this.#roundUs = roundUs
  }

  /** Start of the round after the present one. */
  get nextRoundUs(): Micros {
    return (this.#round + 1) * this.#roundUs
  }

  /** Share of the round's budget that is left, above 0 when a step may run by right; call before a step. */
  claim(now: Micros, budget: number): number {
    this.#enter(now)
    this.#budget = budget
    const left = budget - this.#spent
    return left > 0 ? left / budget : 0
  }

  /** The claim there will be later, when so many tokens more have been charged. */
  claimAt(laterUs: Micros, tokens: number): number {
    const passed = Math.max(0, Math.floor(laterUs / this.#roundUs) - this.#round)
    const left = this.#budget - Math.max(0, this.#spent + tokens - passed * this.#budget)
    return left > 0 ? left / this.#budget : 0
  }

  charge(tokens: number): void {
    this.#spent += tokens
  }

  /** Each round passed pays back one budget of what is owed. */
  #enter(now: Micros): void {
    const round = Math.floor(now / this.#roundUs)
    const passed = round - this.#round
    if (passed <= 0) return
    this.#spent = Math.max(0, this.#spent - passed * this.#budget)
    this.#round = round
  }
}
