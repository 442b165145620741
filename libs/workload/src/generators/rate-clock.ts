import { invariant } from '@kvasir/kernel'

/**
 * A request rate over time, read by time rescaling: arrivals of a process of unit rate are placed where the
 * integral of the rate reaches them. Unlike thinning this keeps the law of the gaps, so that bursts of any
 * coefficient of variation ride on any curve, and it draws nothing that it throws away.
 */
export interface RateClock {
  /**
   * Moves to where `work` more requests are expected, and answers the time in seconds; Infinity when that
   * never comes.
   */
  after(work: number): number
}

export class ConstantRate implements RateClock {
  #atS = 0
  #ratePerS: number

  constructor(ratePerS: number) {
    checkRate(ratePerS)
    this.#ratePerS = ratePerS
  }

  after(work: number): number {
    this.#atS += work / this.#ratePerS
    return this.#atS
  }
}

/** A rate whose integral has a closed form: it is inverted by bisection. */
export class IntegratedRate implements RateClock {
  #atS = 0
  #done = 0
  #integral: (atS: number) => number
  #roughRatePerS: number

  /** `roughRatePerS` is where the search begins. */
  constructor(integral: (atS: number) => number, roughRatePerS: number) {
    this.#integral = integral
    this.#roughRatePerS = roughRatePerS
  }

  after(work: number): number {
    if (work <= 0) return this.#atS
    this.#done += work
    let low = this.#atS
    let high = low + Math.max(work / this.#roughRatePerS, 1e-6)
    while (this.#integral(high) < this.#done) high = low + 2 * (high - low)
    // Down to a tenth of a microsecond.
    while (high - low > 1e-7) {
      const middle = (low + high) / 2
      if (middle <= low || middle >= high) break
      if (this.#integral(middle) < this.#done) low = middle
      else high = middle
    }
    this.#atS = high
    return high
  }
}

/** mean · (1 + amplitude · cos(2π (t - peak) / period)): one peak per period. */
export function diurnalRate(curve: {
  meanRatePerS: number
  amplitude: number
  periodS: number
  peakS: number
}): RateClock {
  const { meanRatePerS, amplitude, periodS, peakS } = curve
  checkRate(meanRatePerS)
  invariant(amplitude >= 0 && amplitude <= 1, () => `amplitude ${amplitude} is not in 0..1`)
  invariant(periodS > 0, () => `period ${periodS} s is not above 0`)
  const angular = (2 * Math.PI) / periodS
  const wave = (atS: number) => (amplitude / angular) * Math.sin(angular * (atS - peakS))
  return new IntegratedRate((atS) => meanRatePerS * (atS + wave(atS) - wave(0)), meanRatePerS)
}

/**
 * The base rate; from `startS` the peak rate for `holdS`, then back to the base exponentially with time
 * constant `decayS`.
 */
export function flashCrowdRate(crowd: {
  baseRatePerS: number
  peakRatePerS: number
  startS: number
  holdS: number
  decayS: number
}): RateClock {
  const { baseRatePerS, peakRatePerS, startS, holdS, decayS } = crowd
  checkRate(baseRatePerS)
  invariant(
    peakRatePerS >= baseRatePerS,
    () => `peak ${peakRatePerS} /s is below the base ${baseRatePerS} /s`,
  )
  invariant(startS >= 0 && holdS >= 0 && decayS >= 0, () => `negative time in ${JSON.stringify(crowd)}`)
  const integral = (atS: number) => {
    const held = Math.min(Math.max(atS - startS, 0), holdS)
    const decaying = Math.max(atS - startS - holdS, 0)
    const decayed = decayS === 0 ? 0 : decayS * -Math.expm1(-decaying / decayS)
    return baseRatePerS * atS + (peakRatePerS - baseRatePerS) * (held + decayed)
  }
  return new IntegratedRate(integral, baseRatePerS)
}

function checkRate(ratePerS: number): void {
  invariant(ratePerS > 0 && ratePerS < Infinity, () => `rate ${ratePerS} /s is not above 0`)
}
