import type { Micros } from './units.js'

/**
 * Data in, data out. A machine is told the time and never asks; it performs nothing itself.
 * A driver calls `step`, performs the effects in order, and calls `step` again with a wake input
 * when `nextDeadline()` is reached.
 */
export interface Machine<Input, Effect> {
  step(now: Micros, input: Input): readonly Effect[]
  /** Earliest time at which the machine wants to be woken, or undefined when only input can move it. */
  nextDeadline(): Micros | undefined
}

/** What a driver reads the time from; nothing below the adapters implements it but the simulator. */
export interface Clock {
  now(): Micros
}
