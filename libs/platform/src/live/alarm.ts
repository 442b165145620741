import type { Clock, Micros } from '@kvasir/kernel'

/** Longest time a timer is set for: a longer one overflows, and is looked at again in between. */
const LONGEST_MS = 1_000_000

/** The one timer of a driver. Rings once at or after the time that was set last. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #atUs: Micros = Infinity

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** @param atUs undefined: not at all. */
  set(atUs: Micros | undefined): void {
    const next = atUs ?? Infinity
    if (next === this.#atUs && this.#timer) return
    this.stop()
    this.#atUs = next
    if (next === Infinity) return
    const waitMs = Math.min(LONGEST_MS, Math.max(0, next - this.#clock.now()) / 1000)
    // Timers count whole milliseconds from the beginning of the one they are set in: one more, or most ring too early, and twice.
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#ring()
    }, Math.ceil(waitMs) + 1)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#atUs = Infinity
  }
}
