/**
 * Order of events that fall on the same microsecond. What ends comes before what begins, so that freed memory and finished
 * steps are seen by everything else of that instant; messages before new work, so that a decision made for this instant
 * holds in it; wake-ups last, because most of them find that the input just handled has made them needless.
 */
export const EventClass = {
  /** A device finished a step. */
  StepEnd: 0,
  /** A document reaches an engine. */
  ToEngine: 1,
  /** An engine's message reaches its pool's owner. */
  ToPool: 2,
  /** An engine joins or leaves. */
  Membership: 3,
  /** The next request of the workload arrives. */
  Arrival: 4,
  WakePool: 5,
  WakeEngine: 6,
  /** Time series are sampled after everything else of the instant. */
  Sample: 7,
} as const
export type EventClass = (typeof EventClass)[keyof typeof EventClass]
