import { invariant } from '@kvasir/kernel'
import type { RateClock } from './rate-clock.js'

export interface RatePoint {
  readonly atS: number
  readonly ratePerS: number
}

/**
 * Linear between points. Before the first and after the last the rate stays, unless the curve repeats every
 * `periodS`.
 */
export class PiecewiseLinearRate implements RateClock {
  #points: readonly RatePoint[]
  #periodS: number | undefined
  #atS = 0
  /** Start of the present repetition. */
  #originS = 0
  /** The next point ahead of #atS. */
  #next = 0

  constructor(points: readonly RatePoint[], periodS: number | undefined) {
    invariant(points.length > 0, () => 'a rate curve without points')
    for (const [i, point] of points.entries()) {
      invariant(
        point.ratePerS >= 0 && point.ratePerS < Infinity,
        () => `rate ${point.ratePerS} /s of point ${i}`,
      )
      const previousS = points[i - 1]?.atS ?? 0
      invariant(point.atS >= previousS, () => `point ${i} at ${point.atS} s lies before ${previousS} s`)
    }
    const last = points.at(-1)
    invariant(
      periodS === undefined || (last !== undefined && periodS > last.atS),
      () => `period ${periodS} s ends before the curve`,
    )
    invariant(requestsIn(points, periodS) > 0, () => 'a rate curve that is 0 throughout')
    this.#points = points
    this.#periodS = periodS
  }

  after(work: number): number {
    if (work <= 0) return this.#atS
    let left = work
    for (;;) {
      const endS = this.#segmentEndS()
      const rate = this.#rateAtPresent()
      const span = endS - this.#atS
      const slope = span > 0 && span < Infinity ? (this.#rateAtEnd() - rate) / span : 0
      const area = span === Infinity ? (rate > 0 ? Infinity : 0) : span * (rate + (slope * span) / 2)
      if (left <= area && area > 0) {
        // Smaller root of rate·x + slope·x²/2 = left, in the form that stays exact for slopes near 0.
        const x = (2 * left) / (rate + Math.sqrt(Math.max(0, rate * rate + 2 * slope * left)))
        this.#atS += Math.min(x, span)
        return this.#atS
      }
      if (endS === Infinity) return Infinity
      left -= area
      this.#atS = endS
      this.#step()
    }
  }

  #step(): void {
    this.#next++
    if (this.#next <= this.#points.length || this.#periodS === undefined) return
    this.#originS += this.#periodS
    this.#next = 0
  }

  #segmentEndS(): number {
    const point = this.#points[this.#next]
    if (point !== undefined) return this.#originS + point.atS
    return this.#periodS === undefined ? Infinity : this.#originS + this.#periodS
  }

  #rateAtPresent(): number {
    const to = this.#points[this.#next]
    const from = this.#points[this.#next - 1]
    if (from === undefined) return to?.ratePerS ?? 0
    if (to === undefined) return from.ratePerS
    const span = to.atS - from.atS
    if (span === 0) return to.ratePerS
    return from.ratePerS + ((to.ratePerS - from.ratePerS) * (this.#atS - this.#originS - from.atS)) / span
  }

  #rateAtEnd(): number {
    return this.#points[this.#next]?.ratePerS ?? this.#points.at(-1)?.ratePerS ?? 0
  }
}

/** Expected requests in one period, or up to the end of a curve that does not repeat; Infinity when it goes on. */
function requestsIn(points: readonly RatePoint[], periodS = Infinity): number {
  const [first] = points
  let requests = first.atS * first.ratePerS
  for (const [i, to] of points.slice(1).entries()) {
    const from = points[i]
    requests += ((to.atS - from.atS) * (from.ratePerS + to.ratePerS)) / 2
  }
  const last = points[points.length - 1]
  return last.ratePerS === 0 ? requests : requests + last.ratePerS * (periodS - last.atS)
}
