import type { Clock, Micros } from '@kvasir/kernel'

/** What is made up for at most: after a longer stop the pace goes on from there, and is not caught up with. */
const MOST_LATE_US = 50_000

/**
 * Timers that come when they are due on average, though each of them comes up to a millisecond early (Node counts in whole ones) or,
 * under load, many late: what one is off by, the next one makes up for.
 */
export class Pace {
  readonly #clock: Clock
  /** What is to be made up for; below 0 when timers came early. */
  #lateUs: Micros = 0
  /** Calls off what is under way. */
  readonly #pending = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls `act` once, after `waitUs` on average; never within this call. */
  after(waitUs: Micros, act: () => void): void {
    const madeUpUs = Math.min(this.#lateUs, waitUs)
    this.#lateUs -= madeUpUs
    const now = this.#clock.now()
    const dueUs = now + waitUs - madeUpUs
    const ring = () => {
      this.#pending.delete(callOff)
      const lateUs = this.#lateUs + this.#clock.now() - dueUs
      this.#lateUs = Math.max(-MOST_LATE_US, Math.min(MOST_LATE_US, lateUs))
      act()
    }
    const callOff = dueUs - now < 1_000 ? soon(ring) : later(ring, (dueUs - now) / 1_000)
    this.#pending.add(callOff)
  }

  /** Calls everything off. */
  stop(): void {
    for (const callOff of this.#pending) callOff()
    this.#pending.clear()
  }
}

/** A timer of less than a millisecond would take a whole one. */
function soon(act: () => void): () => void {
  const immediate = setImmediate(act)
  return () => clearImmediate(immediate)
}

function later(act: () => void, ms: number): () => void {
  const timer = setTimeout(act, ms)
  return () => clearTimeout(timer)
}
