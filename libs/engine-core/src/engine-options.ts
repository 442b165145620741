import type { DeviceModel } from '@kvasir/contracts'
import type { Bytes, Micros } from '@kvasir/kernel'

/** What requests are promised; undefined members are not. */
export interface LatencyTargets {
  /** Arrival to first token. */
  readonly ttftUs: Micros | undefined
  /** Mean time per later token. */
  readonly tpotUs: Micros | undefined
}

/** What one engine is and how it paces itself. Plain data, fixed for the engine's life. */
export interface EngineOptions {
  readonly engine: string
  readonly incarnation: number
  readonly model: string
  /** Said to the device with the name, see {@link DeviceModel}. */
  readonly served?: DeviceModel
  /** Bytes of one KV block on each rank. */
  readonly blockBytesPerRank: Bytes
  /** Fraction of the group for this engine by weight, where fractions are fixed or steps run side by side. */
  readonly share: number
  readonly roundUs: Micros
  readonly heartbeatUs: Micros
  readonly leaseUs: Micros
  readonly requestWithinUs: Micros
  /** Time in which bundles that are ordered back must be released. */
  readonly graceUs: Micros
  /** How far ahead the growth of running sequences is asked for: longer than an answer takes. */
  readonly leadUs: Micros
  /** Time between a denied request for memory and the next one, and until a stalled engine tries again; above 0. */
  readonly backoffUs: Micros
  /** Give wholly free bundles back to the device at once: engines that share one free list do. */
  readonly returnsIdle: boolean
  /**
   * Its device is a message away: what the next step needs of it, a turn and memory, is asked for while one runs. Where answers take no
   * time, what is asked for late is asked for with more knowledge. Memory is not where idle bundles go back at once.
   */
  readonly asksAhead?: boolean
  /** Tokens per second until some were measured. */
  readonly nominalRate: number
  /** By these the engine says how long its steps can wait, and how many tokens are due in a round; when absent, it takes all it can get. */
  readonly promised?: LatencyTargets
}
