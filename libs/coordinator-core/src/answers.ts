import type { PreemptionOutcome } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'

/** How long an outcome is remembered at least (reference/reliability.md §3.5). */
export const ANSWER_KEPT_US: Micros = 600_000_000

export interface Answer {
  readonly engine: string
  readonly outcome: PreemptionOutcome
  readonly atUs: Micros
}

/** Outcomes by the ids of their requests, so that a repeated id gets the same answer. */
export class Answers {
  /** Oldest first. */
  readonly #byId = new Map<string, Answer>()

  get size(): number {
    return this.#byId.size
  }

  find(id: string): Answer | undefined {
    return this.#byId.get(id)
  }

  remember(answer: Answer): void {
    this.#byId.set(answer.outcome.id, answer)
  }

  /** Drops what is old enough and acknowledged. O(1) while nothing is old. */
  forget(now: Micros, isAcknowledged: (answer: Answer) => boolean): void {
    for (const [id, answer] of this.#byId) {
      if (now - answer.atUs < ANSWER_KEPT_US) return
      if (isAcknowledged(answer)) this.#byId.delete(id)
    }
  }
}
