import type { Micros } from '@kvasir/kernel'

const MICROS_PER_MINUTE = 60_000_000
const MINUTES_PER_DAY = 1_440
const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const DIGITS_OF_MICROS = 6
const CODE = { zero: 48, point: 46, colon: 58, dash: 45, plus: 43, space: 32, T: 84, Z: 90 } as const

/**
 * Microseconds since 1970-01-01 UTC of `text[start..end)`, or NaN: `2023-11-16 18:17:03.9799600` (Azure
 * 2023, no zone, read as UTC), `2024-05-10 00:00:00.009930+00:00` (Azure 2024), with `T` for the space,
 * `Z`, `+0530` and no fraction as well. Fractions are rounded half up to the microsecond. By hand, because
 * the pure layers have no Date parsing they could rely on.
 */
export function readDateTime(text: string, start: number, end: number): Micros {
  if (end - start < 19) return Number.NaN
  const separator = text.charCodeAt(start + 10)
  const shaped =
    text.charCodeAt(start + 4) === CODE.dash &&
    text.charCodeAt(start + 7) === CODE.dash &&
    (separator === CODE.space || separator === CODE.T) &&
    text.charCodeAt(start + 13) === CODE.colon &&
    text.charCodeAt(start + 16) === CODE.colon
  if (!shaped) return Number.NaN
  const year = digits(text, start, 4)
  const month = digits(text, start + 5, 2)
  const day = digits(text, start + 8, 2)
  const hour = digits(text, start + 11, 2)
  const minute = digits(text, start + 14, 2)
  const second = digits(text, start + 17, 2)
  if (!(day >= 1 && day <= daysOf(year, month) && hour < 24 && minute < 60 && second < 60)) return Number.NaN

  let at = start + 19
  let micros = second * 1_000_000
  if (at < end && text.charCodeAt(at) === CODE.point) {
    const from = ++at
    while (at < end && isDigit(text, at)) at++
    if (at === from) return Number.NaN
    micros += fractionMicros(text, from, at)
  }
  const zoneMinutes = readZone(text, at, end)
  const minutes = daysSinceEpoch(year, month, day) * MINUTES_PER_DAY + hour * 60 + minute - zoneMinutes
  return minutes * MICROS_PER_MINUTE + micros
}

/**
 * Minutes east of UTC of a zone suffix that fills `text[at..end)`; 0 when there is none, NaN when it is
 * malformed.
 */
function readZone(text: string, at: number, end: number): number {
  if (at === end) return 0
  const sign = text.charCodeAt(at)
  if (sign === CODE.Z) return end === at + 1 ? 0 : Number.NaN
  if (sign !== CODE.plus && sign !== CODE.dash) return Number.NaN
  const length = end - at
  const withColon = length === 6 && text.charCodeAt(at + 3) === CODE.colon
  if (!withColon && length !== 5 && length !== 3) return Number.NaN
  const hours = digits(text, at + 1, 2)
  const minutes = length === 3 ? 0 : digits(text, end - 2, 2)
  return (sign === CODE.dash ? -1 : 1) * (hours * 60 + minutes)
}

function fractionMicros(text: string, from: number, to: number): Micros {
  let value = 0
  for (let i = 0; i < DIGITS_OF_MICROS; i++) value = value * 10 + (from + i < to ? digit(text, from + i) : 0)
  const roundUp = from + DIGITS_OF_MICROS < to && digit(text, from + DIGITS_OF_MICROS) >= 5
  return value + (roundUp ? 1 : 0)
}

/**
 * Days from 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms", days_from_civil).
 */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

function daysOf(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return DAYS_OF_MONTH[month - 1] + (month === 2 && leap ? 1 : 0)
}

function digits(text: string, from: number, count: number): number {
  let value = 0
  for (let i = from; i < from + count; i++)
    value = value * 10 + (isDigit(text, i) ? digit(text, i) : Number.NaN)
  return value
}

function digit(text: string, at: number): number {
  return text.charCodeAt(at) - CODE.zero
}

function isDigit(text: string, at: number): boolean {
  const value = digit(text, at)
  return value >= 0 && value <= 9
}
