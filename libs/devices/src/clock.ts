import type { Clock, Micros } from '@kvasir/kernel'

/** Whole microseconds on this process's monotonic clock. */
export const monotonicClock: Clock = {
  now: (): Micros => Math.round(performance.now() * 1000),
}
