import { invariant, type Rng } from '@kvasir/kernel'
import type { RateClock } from './rate-clock.js'

/** A state of a Markov-modulated rate. */
export interface RateState {
  readonly ratePerS: number
  /** Mean of the exponential stay. */
  readonly meanStayS: number
  /** Weight of each state as the next one; by default the state that follows in the list. */
  readonly next?: readonly number[] | undefined
}

/** So many stays in a row at rate 0 can only mean that the other states are never reached. */
const MOST_SILENT_STAYS = 1_000_000

/** A rate that jumps between states at random; starts in the first. With exponential gaps this is an MMPP. */
export class ModulatedRate implements RateClock {
  #states: readonly RateState[]
  #rng: Rng
  #state = 0
  #atS = 0
  #untilS: number

  constructor(states: readonly RateState[], rng: Rng) {
    invariant(
      states.some((state) => state.ratePerS > 0),
      () => 'no state of a modulated rate has a rate above 0',
    )
    for (const [i, { ratePerS, meanStayS, next }] of states.entries()) {
      invariant(ratePerS >= 0 && ratePerS < Infinity, () => `rate ${ratePerS} /s of state ${i}`)
      invariant(meanStayS > 0, () => `mean stay ${meanStayS} s of state ${i} is not above 0`)
      invariant(
        next === undefined || isLaw(next, states.length),
        () => `state ${i} has no usable next weights`,
      )
    }
    this.#states = states
    this.#rng = rng
    this.#untilS = this.#stay()
  }

  after(work: number): number {
    let left = work
    for (let silent = 0; ; silent++) {
      invariant(
        silent < MOST_SILENT_STAYS,
        () => `${silent} stays without a request: no state with a rate is reached`,
      )
      const rate = this.#states[this.#state].ratePerS
      const area = rate * (this.#untilS - this.#atS)
      if (left <= area && area > 0) {
        this.#atS += left / rate
        return this.#atS
      }
      if (area > 0) silent = 0
      left -= area
      this.#atS = this.#untilS
      this.#state = this.#nextState()
      this.#untilS = this.#atS + this.#stay()
    }
  }

  #stay(): number {
    return this.#states[this.#state].meanStayS * this.#rng.exponential()
  }

  #nextState(): number {
    const weights = this.#states[this.#state].next
    if (weights === undefined) return (this.#state + 1) % this.#states.length
    let left = this.#rng.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
    const chosen = weights.findIndex((weight) => (left -= weight) < 0)
    return chosen === -1 ? weights.length - 1 : chosen
  }
}

function isLaw(weights: readonly number[], states: number): boolean {
  return (
    weights.length === states &&
    weights.every((weight) => weight >= 0) &&
    weights.some((weight) => weight > 0)
  )
}
