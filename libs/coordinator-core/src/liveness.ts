import type { Micros } from '@kvasir/kernel'

/**
 * Engines are judged on the owner's clock since they were last heard of:
 *
 *     heard ── 3 heartbeats ── half a lease ── every lease has run out ──►
 *       live       │  suspect      │   silent            │   gone
 *                  no growth,      no budget above its   its bundles are free
 *                  no donor        floor, its surplus
 *                                  is asked back
 */
export type Liveness = 'live' | 'suspect' | 'silent' | 'gone'

/** Heartbeats missed before an engine is no donor any more. */
const SUSPECT_AFTER_BEATS = 3
/** Clock rates differ by at most this much between processes. */
const CLOCK_DRIFT = 0.02
const SLACK_US: Micros = 60_000

/** Time after its last heartbeat at which every lease an engine could believe in has run out on any clock. */
export function certainExpiryUs(leaseUs: Micros): Micros {
  return Math.ceil(leaseUs * (1 + CLOCK_DRIFT)) + SLACK_US
}

export function livenessOf(silentUs: Micros, heartbeatUs: Micros, leaseUs: Micros): Liveness {
  if (silentUs > certainExpiryUs(leaseUs)) return 'gone'
  if (silentUs > leaseUs / 2) return 'silent'
  return silentUs > SUSPECT_AFTER_BEATS * heartbeatUs ? 'suspect' : 'live'
}
