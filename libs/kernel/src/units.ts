import type { Flavor } from './flavor.js'

/** Whole microseconds, of a run's virtual clock or of one process's monotonic clock. */
export type Micros = Flavor<number, 'Micros'>
/** Tokens of one model. Tokens of different models are not alike. */
export type Tokens = Flavor<number, 'Tokens'>
/** KV blocks of one model: `blockSize` tokens each. */
export type Blocks = Flavor<number, 'Blocks'>
/** Bundles of a pool: the smallest amount of KV memory that changes owner. */
export type Bundles = Flavor<number, 'Bundles'>
export type Bytes = Flavor<number, 'Bytes'>
/** Monotonic fencing number; anything older is refused. */
export type Epoch = Flavor<number, 'Epoch'>

export const MICROS_PER_MILLI = 1_000
export const MICROS_PER_SECOND = 1_000_000

/** Seconds to whole microseconds, rounded to nearest. */
export function secondsToMicros(seconds: number): Micros {
  return Math.round(seconds * MICROS_PER_SECOND)
}

/** Milliseconds to whole microseconds, rounded to nearest. */
export function millisToMicros(millis: number): Micros {
  return Math.round(millis * MICROS_PER_MILLI)
}
