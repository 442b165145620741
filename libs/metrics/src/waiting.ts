import type { Micros } from '@kvasir/kernel'

/** Sum of weight times wait, and the time from the first arrival to the last end. */
export class WaitingTally {
  #weightedWaitUs = 0
  #firstArrivalUs = Infinity
  #lastEndUs = -Infinity

  arrived(atUs: Micros): void {
    this.#firstArrivalUs = Math.min(this.#firstArrivalUs, atUs)
  }

  /** The request's first step began `waitUs` after its arrival; `weight` is its model's. */
  started(wait: { readonly waitUs: Micros; readonly weight: number }): void {
    this.#weightedWaitUs += wait.weight * wait.waitUs
  }

  /** A request finished or was rejected. */
  ended(atUs: Micros): void {
    this.#lastEndUs = Math.max(this.#lastEndUs, atUs)
  }

  get weightedWaitUs(): number {
    return this.#weightedWaitUs
  }

  /** Adds what `other` has seen. */
  merge(other: WaitingTally): void {
    this.#weightedWaitUs += other.#weightedWaitUs
    this.#firstArrivalUs = Math.min(this.#firstArrivalUs, other.#firstArrivalUs)
    this.#lastEndUs = Math.max(this.#lastEndUs, other.#lastEndUs)
  }

  /** 0 until a request has ended. */
  get makespanUs(): Micros {
    return Math.max(0, this.#lastEndUs - this.#firstArrivalUs)
  }
}
