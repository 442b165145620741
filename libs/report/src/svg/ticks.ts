import { timeUnitFor } from '../numbers.js'

export interface Tick {
  readonly value: number
  /** Empty for a mark without a number. */
  readonly label: string
}

export interface Axis {
  readonly ticks: readonly Tick[]
  /** What the axis is in, such as `time, s`; empty when its labels say it. */
  readonly title: string
}

/** Steps of a clock in seconds: people count minutes in fives and fifteens, not in tens of tens. */
const CLOCK_STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
]
/** Labels from different ends of a plot never come closer than this. */
const LABEL_GAP_PX = 10

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `value`. */
export function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= value * (1 - 1e-9)) ?? 10
  return factor * power
}

/** From 0 to a round number at or above `max`, in at most `count` steps; the last tick is the end of the axis. */
export function linearTicks(
  max: number,
  count: number,
  write: (value: number) => string = plain,
): readonly Tick[] {
  return ticksUpTo(max, niceStep((max > 0 ? max : 1) / count), write)
}

function ticksUpTo(max: number, step: number, write: (value: number) => string): readonly Tick[] {
  const steps = Math.max(1, Math.ceil(max / step - 1e-9))
  return Array.from({ length: steps + 1 }, (_, i) => ({ value: i * step, label: write(i * step) }))
}

/** The same for things that are whole: no tick at half a request. */
export function wholeTicks(max: number, count: number): readonly Tick[] {
  const step = niceStep(Math.max(1, max / count))
  return ticksUpTo(max, step === 2.5 ? 5 : step, plain)
}

/** Time since the start of a run, in the unit that suits its length. */
export function timeAxis(endUs: number, count: number): Axis {
  const end = Math.max(endUs, 1)
  const unit = timeUnitFor(end)
  const stepUs = timeStepUs(end / count)
  const ticks: Tick[] = []
  for (let value = 0; value <= end * (1 + 1e-9); value += stepUs)
    ticks.push({ value, label: plain(value / unit.us) })
  return { ticks, title: `time, ${unit.name}` }
}

function timeStepUs(atLeastUs: number): number {
  if (atLeastUs < 1_000_000) return niceStep(atLeastUs)
  const seconds =
    CLOCK_STEPS_S.find((step) => step * 1_000_000 >= atLeastUs) ??
    niceStep(atLeastUs / 86_400_000_000) * 86_400
  return seconds * 1_000_000
}

/** Powers of ten of a time between `min` and `max`, with 2 and 5 between them where there are few; labels carry units. */
export function logTimeTicks(min: number, max: number): readonly Tick[] {
  const decades = Math.log10(max / min)
  const ticks: Tick[] = []
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
    for (const factor of [1, 2, 5]) {
      const value = factor * 10 ** power
      if (value < min * (1 - 1e-9) || value > max * (1 + 1e-9)) continue
      const hasLabel = factor === 1 || decades < 2.2
      ticks.push({ value, label: hasLabel ? shortDuration(value) : '' })
    }
  }
  return ticks
}

/** Round down and up to 1, 2 or 5 times a power of ten: the ends of a logarithmic axis. */
export function niceLogEnds(min: number, max: number): readonly [number, number] {
  const low = logCandidates(min).findLast((end) => end <= min * (1 + 1e-9)) ?? min
  const high = logCandidates(max).find((end) => end >= max * (1 - 1e-9)) ?? max
  return [low, high]
}

function logCandidates(value: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(value))
  return [power / 2, power, 2 * power, 5 * power, 10 * power]
}

/** A round time with its unit: `20 ms`, `2 s`. */
export function shortDuration(us: number): string {
  const unit =
    us < 1_000
      ? { name: 'µs', us: 1 }
      : us < 1_000_000
        ? { name: 'ms', us: 1_000 }
        : { name: 's', us: 1_000_000 }
  const value = us / unit.us
  return value >= 10_000 ? `${plain(value / 1_000)}k ${unit.name}` : `${plain(value)} ${unit.name}`
}

/** Without trailing zeros, thousands as `k` and `M`: ticks are round numbers. */
export function plain(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${trimmed(value / 1e6)}M`
  if (size >= 1e4) return `${trimmed(value / 1e3)}k`
  return trimmed(value)
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/**
 * Takes away the labels that would touch the one before; their marks stay. `position` is the centre of a label and `size`
 * its width, in px along the axis.
 */
export function withoutOverlap(
  ticks: readonly Tick[],
  position: (tick: Tick) => number,
  size: (tick: Tick) => number,
): readonly Tick[] {
  let lastEnd = -Infinity
  return ticks.map((tick) => {
    if (tick.label === '') return tick
    const start = position(tick) - size(tick) / 2
    if (start < lastEnd + LABEL_GAP_PX) return { ...tick, label: '' }
    lastEnd = start + size(tick)
    return tick
  })
}
