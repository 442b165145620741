import type { Micros } from '@kvasir/kernel'

/**
 * When rounds begin. They lie on a fixed grid; what changes materially calls for one in between, a replan. Replans keep a quarter of a round
 * from each other and not from the grid, so that who changes is not made to wait for a round that knew nothing of it; a place of the grid that
 * comes sooner than a quarter of a round after a replan is left out. So there are five rounds in the time of one at most.
 */
export class RoundClock {
  readonly #roundUs: Micros
  readonly #phaseUs: Micros
  #number = 0
  #nextUs: Micros = 0
  /** The next place of the grid: the next round, unless a replan comes before. */
  #gridUs: Micros = 0
  #replanFromUs: Micros = 0
  #changed = true

  /**
   * @param after the number of the last round that another owner may have run.
   * @param phaseUs how far after its whole multiples the grid lies.
   */
  constructor(roundUs: Micros, { after = 0, phaseUs = 0 }: { after?: number; phaseUs?: Micros } = {}) {
    this.#roundUs = roundUs
    this.#phaseUs = phaseUs
    this.#number = after
  }

  /** Of the newest round; rounds that nobody was there to run are skipped and counted. */
  get number(): number {
    return this.#number
  }

  get nextUs(): Micros {
    return this.#nextUs
  }

  /** Whether something has changed that the newest round did not know. */
  get changed(): boolean {
    return this.#changed
  }

  noteChange(): void {
    this.#changed = true
  }

  /** A round is about to take everything into account. */
  clearChange(): void {
    this.#changed = false
  }

  begin(now: Micros): void {
    const roundUs = this.#roundUs
    const isReplan = now < this.#gridUs
    this.#number += 1 + Math.max(0, Math.floor((now - this.#nextUs) / roundUs))
    this.#gridUs = (Math.floor((now - this.#phaseUs) / roundUs) + 1) * roundUs + this.#phaseUs
    if (isReplan) {
      this.#replanFromUs = now + roundUs / 4
      if (this.#gridUs < this.#replanFromUs) this.#gridUs += roundUs
    }
    this.#nextUs = this.#gridUs
  }

  /** The next round is now, and nothing before it counts as skipped: a newcomer waits for nobody. */
  restart(now: Micros): void {
    this.#changed = true
    this.#nextUs = now
  }

  atOnce(now: Micros): void {
    this.#nextUs = Math.min(this.#nextUs, now)
  }

  /** As soon as engines could follow: a quarter of a round after the last replan. */
  soon(now: Micros): void {
    this.#nextUs = Math.min(this.#nextUs, Math.max(now, this.#replanFromUs))
  }
}
