import type { SloTargets } from '@kvasir/contracts'
import { type Micros, MICROS_PER_SECOND, millisToMicros } from '@kvasir/kernel'

/** Upper bounds; a bound that is left out is always met. */
export interface SloLimits {
  readonly ttftUs?: Micros | undefined
  readonly tpotUs?: Micros | undefined
  readonly e2eUs?: Micros | undefined
}

/** A scenario's targets, in the unit that latencies are measured in. */
export function sloLimits(targets: SloTargets): SloLimits {
  const micros = (millis: number | undefined) => (millis === undefined ? undefined : millisToMicros(millis))
  return { ttftUs: micros(targets.ttftMs), tpotUs: micros(targets.tpotMs), e2eUs: micros(targets.e2eMs) }
}

/** What one finished request needed. */
export interface RequestLatency {
  readonly ttftUs: Micros
  /** Mean time per output token after the first; undefined for a single token, which meets every bound on it. */
  readonly tpotUs: number | undefined
  readonly e2eUs: Micros
}

export function meetsSlo(limits: SloLimits, latency: RequestLatency): boolean {
  return (
    isWithin(latency.ttftUs, limits.ttftUs) &&
    isWithin(latency.tpotUs, limits.tpotUs) &&
    isWithin(latency.e2eUs, limits.e2eUs)
  )
}

function isWithin(value: number | undefined, limit: number | undefined): boolean {
  return value === undefined || limit === undefined || value <= limit
}

/**
 * How many requests kept their promises. A request that was rejected or never finished missed them: a policy does not
 * look better by refusing work.
 */
export class SloTally {
  readonly #limits: SloLimits
  #met = 0
  #total = 0

  constructor(limits: SloLimits) {
    this.#limits = limits
  }

  finished(latency: RequestLatency): void {
    this.#total++
    if (meetsSlo(this.#limits, latency)) this.#met++
  }

  /** Requests that were rejected, or were unfinished when the run ended. */
  missed(requests = 1): void {
    this.#total += requests
  }

  /** Requests that finished within all limits. */
  get met(): number {
    return this.#met
  }

  get total(): number {
    return this.#total
  }

  get hasLimits(): boolean {
    const { ttftUs, tpotUs, e2eUs } = this.#limits
    return ttftUs !== undefined || tpotUs !== undefined || e2eUs !== undefined
  }

  /** Share of all requests that met their limits; undefined without limits or without requests. */
  attainment(): number | undefined {
    return this.hasLimits && this.#total > 0 ? this.#met / this.#total : undefined
  }

  /** Requests a second that met their limits, over `durationUs`; 0 when no time has passed. */
  goodputPerSecond(durationUs: Micros): number {
    return durationUs > 0 ? (this.#met * MICROS_PER_SECOND) / durationUs : 0
  }
}

/** Attainment of several tallies together (models whose limits differ); undefined when none has limits or requests. */
export function attainmentOfAll(tallies: readonly SloTally[]): number | undefined {
  const total = tallies.reduce((sum, tally) => sum + tally.total, 0)
  const hasLimits = tallies.some((tally) => tally.hasLimits)
  return hasLimits && total > 0 ? tallies.reduce((sum, tally) => sum + tally.met, 0) / total : undefined
}
