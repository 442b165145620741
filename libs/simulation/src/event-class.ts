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
  /** A word between an engine and a group in another process arrives. */
  GroupWord: 2,
  /** A document reaches an engine. */
  ToEngine: 3,
  /** A message reaches the owner of a pool, or of the cluster. */
  ToPool: 4,
  /** Something breaks, or comes back. */
  Fault: 5,
  /** An engine joins or leaves. */
  Membership: 6,
  /** A request of the workload arrives, or a user of a closed loop sends one. */
  Arrival: 7,
  /** A request has passed the front end and reaches its engine. */
  Submit: 8,
  WakeCluster: 9,
  WakePool: 10,
  WakeEngine: 11,
  /** Time series are sampled after everything else of the instant. */
  Sample: 12,
} as const
export type EventClass = (typeof EventClass)[keyof typeof EventClass]
