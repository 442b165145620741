import type { Level } from './level.js'

/** Added to the deadline of members that already have more than their share: nobody else may be left before their turn. */
const NOT_YET = 2 ** 55

/**
 * Ranks for fairness over time: every round each member with fraction f earns f units and some get one, and nobody's total may
 * ever be a whole unit away from what it earned. That is Pfair scheduling of tasks of weight f on as many processors as
 * there are extra units, and PD2 solves it exactly: earliest pseudo-deadline first, ties to overlapping windows, then to the
 * later group deadline (Baruah et al. 1996; Anderson and Srinivasan, "Mixed Pfair/ERfair scheduling", 2004). Ranking by the
 * largest carried fraction alone is not enough: it lets somebody fall a whole unit behind.
 *
 * With lag e before the round (|e| < 1), relative to now:
 * - eligible: e + f > 0, else the unit would come a whole unit early;
 * - deadline D = ceil((1 - e) / f): rounds until it would be a whole unit behind; 1 means now or never;
 * - overlap: (1 - e) / f is no whole number, so the next unit's window starts in round D;
 * - group deadline, f >= 1/2: the same ceiling for the complement 1 - f at D: how long a chain of forced rounds may last.
 */
export function rankByDeadline(level: Level, count: number): void {
  const exact = level.bigParts === null && level.denominator <= 2 ** 48
  for (let k = 0; k < count; k++) {
    const member = level.scratch[k]
    if (exact) rankSmall(level, member)
    else rankBig(level, member)
  }
}

function rankSmall(level: Level, member: number): void {
  const { denominator: scale, parts, lags, deadlines, tightness } = level
  const fraction = parts[member]
  const lag = Math.round(lags[member] * scale)
  const deadline = Math.ceil((scale - lag) / fraction)
  const overlaps = (scale - lag) % fraction !== 0
  deadlines[member] = lag + fraction > 0 ? deadline : deadline + NOT_YET
  tightness[member] = 0
  if (!overlaps) return
  if (2 * fraction < scale) {
    tightness[member] = 1
    return
  }
  const idle = scale - fraction
  const turn = Math.ceil((deadline * idle - lag) / scale)
  tightness[member] = 1 + Math.max(0, Math.ceil((turn * scale + lag) / idle))
}

/** The same in arbitrary precision, but for the lag, which a double carries to 2^-52 of a unit. */
function rankBig(level: Level, member: number): void {
  const { bigParts, deadlines, tightness } = level
  const scale = bigParts === null ? BigInt(level.denominator) : level.bigDenominator
  const fraction = bigParts === null ? BigInt(level.parts[member]) : bigParts[member]
  const lag = (BigInt(Math.round(level.lags[member] * 2 ** 52)) * scale) / 2n ** 52n
  const deadline = ceilQuotient(scale - lag, fraction)
  const overlaps = (scale - lag) % fraction !== 0n
  deadlines[member] = Number(deadline) + (lag + fraction > 0n ? 0 : NOT_YET)
  tightness[member] = 0
  if (!overlaps) return
  if (2n * fraction < scale) {
    tightness[member] = 1
    return
  }
  const idle = scale - fraction
  const turn = ceilQuotient(deadline * idle - lag, scale)
  tightness[member] = 1 + Math.max(0, Number(ceilQuotient(turn * scale + lag, idle)))
}

/** Divisor above 0. */
function ceilQuotient(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend % divisor > 0n ? quotient + 1n : quotient
}
