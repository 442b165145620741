import type { Micros } from '@kvasir/kernel'

/** Sums of weight times wait and of weight times turnaround, and the time from the first arrival to the last end. */
export class WaitingTally {
  #weightedWaitUs = 0
  #weightedTurnaroundUs = 0
  #firstArrivalUs = Infinity
  #lastEndUs = -Infinity

  arrived(atUs: Micros): void {
    this.#firstArrivalUs = Math.min(this.#firstArrivalUs, atUs)
  }

  /** The request's first step began `waitUs` after its arrival; `weight` is its model's times its tenant's. */
  started(wait: { readonly waitUs: Micros; readonly weight: number }): void {
    this.#weightedWaitUs += wait.weight * wait.waitUs
  }

  /** The request finished `turnaroundUs` after its arrival. */
  finished({ turnaroundUs, weight }: { readonly turnaroundUs: Micros; readonly weight: number }): void {
    this.#weightedTurnaroundUs += weight * turnaroundUs
  }

  /** A request finished or was rejected. */
  ended(atUs: Micros): void {
    this.#lastEndUs = Math.max(this.#lastEndUs, atUs)
  }

  get weightedWaitUs(): number {
    return this.#weightedWaitUs
  }

  get weightedTurnaroundUs(): number {
    return this.#weightedTurnaroundUs
  }

  /** Adds what `other` has seen. */
  merge(other: WaitingTally): void {
    this.#weightedWaitUs += other.#weightedWaitUs
    this.#weightedTurnaroundUs += other.#weightedTurnaroundUs
    this.#firstArrivalUs = Math.min(this.#firstArrivalUs, other.#firstArrivalUs)
    this.#lastEndUs = Math.max(this.#lastEndUs, other.#lastEndUs)
  }

  /** 0 until a request has ended. */
  get makespanUs(): Micros {
    return Math.max(0, this.#lastEndUs - this.#firstArrivalUs)
  }
}
