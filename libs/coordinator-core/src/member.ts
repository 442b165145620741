import type { EngineTerms, Heartbeat, PreemptionOutcome } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'

/** Engines are judged on the owner's clock since their last *new* heartbeat. */
export type Liveness = 'live' | 'suspect' | 'silent' | 'gone'

/** An engine as the owner of its pool knows it. */
export interface Member {
  readonly engine: string
  readonly incarnation: number
  readonly model: string
  terms: EngineTerms
  readonly joinedUs: Micros
  heardUs: Micros
  heartbeat: Heartbeat | undefined
  /** The heartbeat that the newest round was divided by. */
  divided: Heartbeat | undefined
  liveness: Liveness
  leaving: boolean
  processedThrough: number
  /** Sequence of the newest document, of the one that first asked for what is still owed, and of the newest larger lease. */
  sequence: number
  revokedAt: number
  raisedAt: number
  /** Lease in the newest document. */
  leaseBundles: number
  /** Set when the engine must be told something new. */
  dirty: boolean
  tokens: number
  lentTokens: number
  floorTokens: number
  entitledBundles: number
  /** Share under a policy of fixed shares. */
  fixedBundles: number
  /** Start of the engine's present residency: when it was last granted memory by a preemption. */
  grantedUs: Micros
  /** Until then so many bundles count as in use. */
  settledUntilUs: Micros
  settledBundles: number
  /** Outcomes not yet seen by the engine, each with the sequence of the document that first carried it. */
  outcomes: { readonly outcome: PreemptionOutcome; readonly sequence: number }[]
}

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

/** An engine not heard of for half a lease gets nothing new; its share is divided among the others. */
export function isHeard(member: Member): boolean {
  return member.liveness === 'live' || member.liveness === 'suspect'
}

/** What the engine says it still needs; nothing before its first heartbeat. */
export function demandTokens(member: Member): number {
  return member.heartbeat?.demand.tokens ?? 0
}

/**
 * Bundles that are not to be taken for unused. What was granted a moment ago counts: heartbeats under way do not know of its
 * use yet, and two engines would take it from each other before either could use it.
 */
export function inUseBundles(member: Member, now: Micros): number {
  const reported = member.heartbeat?.inUse ?? 0
  return now < member.settledUntilUs ? Math.max(reported, member.settledBundles) : reported
}
