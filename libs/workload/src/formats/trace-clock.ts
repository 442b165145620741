import type { Micros } from '@kvasir/kernel'
import type { ReadTally } from './read-counts.js'

/**
 * What to do with an arrival before its predecessor's: refuse the line; move it up to its predecessor; or
 * pass it on as it is, for a caller that sorts (`sortByArrival`).
 */
export type OutOfOrderRule = 'refuse' | 'clamp' | 'keep'

/** Turns the times of a trace into arrivals: from the trace's own zero or from its first row, and in order. */
export class TraceClock {
  /** Arrival of the latest row. */
  lastUs: Micros = 0
  #originUs: Micros | undefined
  #rule: OutOfOrderRule
  #tally: ReadTally

  /** `rebase`: the first row arrives at 0; otherwise times are taken as they are. */
  constructor(options: { rebase: boolean; outOfOrder: OutOfOrderRule }, tally: ReadTally) {
    this.#originUs = options.rebase ? undefined : 0
    this.#rule = options.outOfOrder
    this.#tally = tally
  }

  /**
   * The arrival of a row whose other fields are all in order, or undefined when it is out of order and that
   * is refused.
   */
  place(timeUs: Micros): Micros | undefined {
    this.#originUs ??= timeUs
    const arrivalUs = timeUs - this.#originUs
    if (arrivalUs >= this.lastUs) {
      this.lastUs = arrivalUs
      return arrivalUs
    }
    switch (this.#rule) {
      case 'refuse':
        return undefined
      case 'clamp':
        this.#tally.clampedArrivals++
        return this.lastUs
      case 'keep':
        this.#tally.unsortedArrivals++
        return arrivalUs
    }
  }

  /** Any other time of the latest row, on the same scale. */
  shift(timeUs: Micros): Micros {
    return timeUs - (this.#originUs ?? 0)
  }
}
