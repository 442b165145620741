import { MICROS_PER_SECOND } from '@kvasir/kernel'
import type { Unit } from './model.js'

/** Digits of a measured number that mean something to a reader. */
const SIGNIFICANT_DIGITS = 3

interface TimeUnit {
  readonly name: string
  readonly us: number
  /** Times up to here read well in this unit. */
  readonly untilUs: number
}

const TIME_UNITS: readonly TimeUnit[] = [
  { name: 'µs', us: 1, untilUs: 1_000 },
  { name: 'ms', us: 1_000, untilUs: 1_000_000 },
  { name: 's', us: 1_000_000, untilUs: 600_000_000 },
  { name: 'min', us: 60_000_000, untilUs: 4 * 3_600_000_000 },
  { name: 'h', us: 3_600_000_000, untilUs: Infinity },
]

/** How numbers of one kind are written next to each other: one unit for all of them. */
export interface NumberStyle {
  /** Suffix of each number, such as ` ms`; empty when the unit has none. */
  readonly suffix: string
  /** Without the suffix. */
  write(value: number): string
}

/** Three significant digits, whole from 100 on, thousands apart: `0.0123`, `1.23`, `12.3`, `123`, `12,345`. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 99.95) return grouped(Math.round(value))
  if (size === 0) return '0'
  const decimals = SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(size))
  return decimals > 6 ? value.toExponential(1) : value.toFixed(decimals)
}

/** A whole number with its thousands apart. Not `Intl`: reports must not depend on the machine's locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** The style for `values` of a unit: chosen once for all of them, so that they can be compared by eye. */
export function styleFor(unit: Unit | 'seconds', values: readonly number[]): NumberStyle {
  switch (unit) {
    case 'us':
      return timeStyle(values)
    case 'seconds':
      return { suffix: ' s', write: (us) => significant(us / MICROS_PER_SECOND) }
    case 'share':
      return percentStyle(values)
    case 'count':
    case 'bundles':
      return { suffix: '', write: (value) => (Number.isInteger(value) ? grouped(value) : significant(value)) }
    case 'index':
      return { suffix: '', write: (value) => value.toFixed(3) }
    case 'perSecond':
    case 'tokensPerSecond':
      return { suffix: '/s', write: significant }
  }
}

/** One number with its unit: `12.3 ms`. */
export function withUnit(unit: Unit, value: number): string {
  const style = styleFor(unit, [value])
  return `${style.write(value)}${style.suffix}`
}

/** A duration with a unit that fits it. */
export function duration(us: number): string {
  return withUnit('us', us)
}

/** How many times: `1.42×`; two digits suffice from 10 on. */
export function times(ratio: number): string {
  return `${ratio >= 100 ? grouped(Math.round(ratio)) : ratio >= 9.95 ? ratio.toFixed(0) : ratio.toFixed(2)}×`
}

/** The coarsest of the units in which the largest of `us` still has digits before its point. */
export function timeUnitFor(us: number): TimeUnit {
  return TIME_UNITS.find((unit) => us < unit.untilUs) ?? TIME_UNITS[TIME_UNITS.length - 1]
}

function timeStyle(values: readonly number[]): NumberStyle {
  const present = values.filter((value) => value > 0)
  const largest = Math.max(0, ...present)
  const smallest = present.length === 0 ? 0 : Math.min(...present)
  // The smallest decides, so that it keeps its digits, unless the largest then needs five before the point.
  const unit =
    TIME_UNITS.find((candidate) => smallest < candidate.untilUs && largest / candidate.us < 10_000) ??
    timeUnitFor(largest)
  return { suffix: ` ${unit.name}`, write: (value) => significant(value / unit.us) }
}

/** One decimal; two as soon as one of the values is so near an end that a decimal hides what 99.9 and 99.99 differ in. */
function percentStyle(shares: readonly number[]): NumberStyle {
  const isNearEnd = shares.some((share) => (share > 0 && share < 0.01) || (share > 0.99 && share < 1))
  const write = (share: number) =>
    share === 0 || share === 1 ? String(share * 100) : (share * 100).toFixed(isNearEnd ? 2 : 1)
  return { suffix: ' %', write }
}
