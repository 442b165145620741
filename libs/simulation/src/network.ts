import { type Micros, SeededRng } from '@kvasir/kernel'

/**
 * One-way message delay: a constant plus an exponential part. Messages of one link keep their order, as they do on a
 * stream or a socket.
 */
export class Network {
  readonly #latencyUs: Micros
  readonly #jitterUs: Micros
  readonly #rng: SeededRng
  #lastArrival: Float64Array

  constructor(options: {
    readonly latencyUs: Micros
    readonly jitterUs: Micros
    readonly seed: number
    readonly links: number
  }) {
    this.#latencyUs = options.latencyUs
    this.#jitterUs = options.jitterUs
    this.#rng = new SeededRng(options.seed, 'network')
    this.#lastArrival = new Float64Array(options.links)
  }

  /** When a message sent now on `link` arrives. */
  arrival(now: Micros, link: number): Micros {
    const jitter = this.#jitterUs > 0 ? Math.round(this.#rng.exponential() * this.#jitterUs) : 0
    const at = Math.max(this.#lastArrival[link], now + this.#latencyUs + jitter)
    this.#lastArrival[link] = at
    return at
  }
}
