/**
 * Order of events that fall on the same microsecond. What ends comes before what begins, so that freed memory and finished
 * steps are seen by everything else of that instant; messages before new work, so that a decision made for this instant
 * holds in it; wake-ups last, because most of them find that the input just handled has made them needless.
 */
export const EventClass = {
  /** A device finished a step. */
  StepEnd: 0,
  /** A device finished copies that belong to no step. */
  CopyEnd: 1,
  /** A document reaches an engine. */
  ToEngine: 2,
  /** A message reaches the owner of a pool, or of the cluster. */
  ToPool: 3,
  /** Something breaks, or comes back. */
  Fault: 4,
  /** An engine joins or leaves. */
  Membership: 5,
  /** A request of the workload arrives, or a user of a closed loop sends one. */
  Arrival: 6,
  /** A request has passed the front end and reaches its engine. */
  Submit: 7,
  WakeCluster: 8,
  WakePool: 9,
  WakeEngine: 10,
  /** Time series are sampled after everything else of the instant. */
  Sample: 11,
} as const
export type EventClass = (typeof EventClass)[keyof typeof EventClass]
