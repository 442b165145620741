import type { Micros } from '@kvasir/kernel'

/** When owners are watched, replaced, and stop by themselves (reference/reliability.md §3.1). */
export interface OwnerTimings {
  /** How often a standby looks whether the owner still moves. */
  readonly pollUs: Micros
  /** How long it must not have moved before it is replaced. Above `actUs` by the drift of clocks and a poll. */
  readonly electUs: Micros
  /** How long an owner may act after it sent the last commit that went through. */
  readonly actUs: Micros
  /** After so long without a change a commit is made all the same: it is the sign of life. */
  readonly renewUs: Micros
  /** How often an owner reads what peers have said when nobody rings. */
  readonly peekUs: Micros
  /** How long a device has to answer when it is fenced. */
  readonly fenceUs: Micros
}

export const defaultOwnerTimings: OwnerTimings = {
  pollUs: 200_000,
  electUs: 2_500_000,
  actUs: 2_000_000,
  renewUs: 500_000,
  peekUs: 100_000,
  fenceUs: 1_000_000,
}
