import type { Micros } from '@kvasir/kernel'
import type { Scheduler } from '@kvasir/scheduler'
import type { LatencyTargets } from './engine-options.js'

/** Tokens that are to come at least so much faster than promised: steps differ, and a mean has no time to recover at its end. */
const AHEAD = 0.8
/** A step is early while more than this part of the time between two tokens is left before it must begin: in the rest, others' steps may still come before it. */
const EARLY = 0.25
/** Tokens that may be behind their times before these start anew: what is later than that is late for good. */
const BEHIND_MAX = 4

/** How long an engine's next step may wait for its requests to keep the latencies they are promised. */
export class Urgency {
  readonly #ttftUs: Micros | undefined
  /** Between two tokens of a sequence. */
  readonly paceUs: Micros | undefined
  /** When the next token of what decodes is due. */
  #tokenDueUs: Micros = Infinity

  constructor({ ttftUs, tpotUs }: LatencyTargets) {
    this.#ttftUs = ttftUs
    this.paceUs = tpotUs === undefined ? undefined : AHEAD * tpotUs
  }

  /** A step ended. Tokens are due at an even pace; one that comes late brings the next one forward. */
  stepEnded(now: Micros, decoding: boolean): void {
    this.#tokenDueUs = decoding ? this.#dueAfter(now) : Infinity
  }

  /** The next token after those of a step that ends then. */
  #dueAfter(endUs: Micros): Micros {
    const { paceUs } = this
    if (paceUs === undefined) return Infinity
    const onTime = this.#tokenDueUs + paceUs
    const fromThen = endUs + paceUs
    return onTime < fromThen - BEHIND_MAX * paceUs ? fromThen : Math.min(onTime, fromThen)
  }

  /** Last moment at which a step that takes so long may begin; Infinity when nothing is promised, or can be kept. */
  dueUs(now: Micros, scheduler: Scheduler, stepUs: Micros): Micros {
    return this.#earliest(now, this.#tokenDueUs, scheduler, stepUs)
  }

  /** The same for the step after one that ends then. */
  dueAfter(endUs: Micros, decoding: boolean, scheduler: Scheduler, stepUs: Micros): Micros {
    return this.#earliest(endUs, decoding ? this.#dueAfter(endUs) : Infinity, scheduler, stepUs)
  }

  /** Until when a step that is due then is early; -Infinity when it never is, because no pace is promised or nothing of it is due. */
  earlyUntilUs(dueUs: Micros): Micros {
    const { paceUs } = this
    return paceUs === undefined || dueUs === Infinity ? -Infinity : Math.floor(dueUs - EARLY * paceUs)
  }

  #earliest(now: Micros, tokenDueUs: Micros, scheduler: Scheduler, stepUs: Micros): Micros {
    const token = tokenDueUs - stepUs
    return this.#ttftUs === undefined ? token : Math.min(token, scheduler.firstTokenDueUs(now, this.#ttftUs))
  }
}
