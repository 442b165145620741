const ZERO = 48
const NINE = 57
const POINT = 46
/** Digits that surely fit a double exactly. */
const EXACT_DIGITS = 15
const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]

/** How many decimals a unit of time has down to the microsecond. */
export const DECIMALS_OF_SECONDS = 6
export const DECIMALS_OF_MILLIS = 3

/**
 * The decimal number in `text[start..end)` times 10^`decimals`, rounded half up to a whole number; NaN when
 * it is no number. Digit by digit, so that `4.314579` s is 4314579 us exactly. Exponents (`5.2e-05`, as
 * Python writes small numbers) and signs take a slow path.
 */
export function readScaled(text: string, start: number, end: number, decimals: 0 | 3 | 6): number {
  let value = 0
  let digits = 0
  let at = start
  for (; at < end; at++) {
    const digit = text.charCodeAt(at)
    if (digit < ZERO || digit > NINE) break
    value = value * 10 + (digit - ZERO)
    digits++
  }
  let taken = 0
  let roundUp = false
  if (at < end && text.charCodeAt(at) === POINT) {
    for (at++; at < end; at++) {
      const digit = text.charCodeAt(at)
      if (digit < ZERO || digit > NINE) break
      if (taken < decimals) value = value * 10 + (digit - ZERO)
      else if (taken === decimals) roundUp = digit - ZERO >= 5
      taken++
      digits++
    }
  }
  const fraction = taken < decimals ? taken : decimals
  if (at !== end || digits === 0 || digits - taken + decimals > EXACT_DIGITS)
    return Math.round(readSlowly(text, start, end) * POWERS[decimals])
  return value * POWERS[decimals - fraction] + (roundUp ? 1 : 0)
}

/**
 * The whole number in `text[start..end)`, of either sign; NaN when it is none (`4808.0` is one, `1.5` is
 * not).
 */
export function readWhole(text: string, start: number, end: number): number {
  if (end - start > EXACT_DIGITS || end === start) return wholeSlowly(text, start, end)
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at)
    if (digit < ZERO || digit > NINE) return wholeSlowly(text, start, end)
    value = value * 10 + (digit - ZERO)
  }
  return value
}

/** Any decimal number; NaN when it is none. */
export function readSlowly(text: string, start: number, end: number): number {
  const part = text.slice(start, end)
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(part) ? Number(part) : Number.NaN
}

function wholeSlowly(text: string, start: number, end: number): number {
  const value = readSlowly(text, start, end)
  return Number.isInteger(value) ? value : Number.NaN
}
