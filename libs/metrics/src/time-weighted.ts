import { invariant, type Micros } from '@kvasir/kernel'

/**
 * A value that stays the same between changes: its integral over time, mean and peak. For utilisation, bundles in use,
 * queue length: a mean over samples would count a long quiet minute like a busy microsecond.
 *
 * ```
 *  value  ┌──┐
 *       ──┘  └────   integral = Σ value · time it was held
 * ```
 */
export class TimeWeighted {
  readonly #startUs: Micros
  #sinceUs: Micros
  #value: number
  #integral = 0
  #peak: number

  constructor(startUs: Micros, value = 0) {
    this.#startUs = startUs
    this.#sinceUs = startUs
    this.#value = value
    this.#peak = value
  }

  /** From `nowUs` on the value is `value`; time must not run backwards. */
  set(nowUs: Micros, value: number): void {
    this.#integral = this.integral(nowUs)
    this.#sinceUs = nowUs
    this.#value = value
    if (value > this.#peak) this.#peak = value
  }

  add(nowUs: Micros, change: number): void {
    this.set(nowUs, this.#value + change)
  }

  get value(): number {
    return this.#value
  }

  /** Largest value held, even for no time at all. */
  get peak(): number {
    return this.#peak
  }

  /** Value times microseconds from the start to `nowUs`, which is not before the last change. */
  integral(nowUs: Micros): number {
    if (nowUs < this.#sinceUs) invariant(false, () => `time runs backwards: ${nowUs} after ${this.#sinceUs}`)
    return this.#integral + this.#value * (nowUs - this.#sinceUs)
  }

  /** Mean over the time from the start to `nowUs`; the value itself when no time has passed. */
  mean(nowUs: Micros): number {
    const elapsedUs = nowUs - this.#startUs
    return elapsedUs === 0 ? this.#value : this.integral(nowUs) / elapsedUs
  }
}
