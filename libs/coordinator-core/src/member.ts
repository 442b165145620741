import type { EngineTerms, Heartbeat, Join, PreemptionOutcome } from '@kvasir/contracts'
import type { Micros } from '@kvasir/kernel'
import type { Liveness } from './liveness.js'

/** An outcome its engine has not acknowledged, with the sequence of the document that first carried it; 0: none has yet. */
export interface CarriedOutcome {
  readonly outcome: PreemptionOutcome
  readonly sequence: number
}

/** An engine as the owner of its pool knows it. */
export interface Member {
  readonly engine: string
  readonly incarnation: number
  readonly model: string
  terms: EngineTerms
  heardUs: Micros
  heartbeat: Heartbeat | undefined
  /** The heartbeat that the newest round was divided by. */
  divided: Heartbeat | undefined
  liveness: Liveness
  processedThrough: number
  /** Sequence of the newest document, of the one that first asked for what is still owed, and of the newest larger lease. */
  sequence: number
  revokedAt: number
  raisedAt: number
  /** Lease in the newest document. */
  leaseBundles: number
  /** False while a new owner does not know what the engine holds: until its first heartbeat under the new epoch. */
  counted: boolean
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
  outcomes: readonly CarriedOutcome[]
}

/** A newcomer with nothing yet. `sequence`: of the newest document that anyone of its name was sent. */
export function newMember(now: Micros, join: Join, terms: EngineTerms, sequence: number): Member {
  return {
    engine: join.engine,
    incarnation: join.incarnation,
    model: join.model,
    terms,
    heardUs: now,
    heartbeat: undefined,
    divided: undefined,
    liveness: 'live',
    processedThrough: join.number,
    sequence,
    revokedAt: 0,
    raisedAt: 0,
    leaseBundles: 0,
    counted: true,
    dirty: true,
    tokens: 0,
    lentTokens: 0,
    floorTokens: 0,
    entitledBundles: 0,
    fixedBundles: 0,
    grantedUs: -Infinity,
    settledUntilUs: -Infinity,
    settledBundles: 0,
    outcomes: [],
  }
}

/** Adds an outcome to the next documents, once. */
export function tell(member: Member, outcome: PreemptionOutcome): void {
  member.dirty = true
  if (member.outcomes.some((told) => told.outcome.id === outcome.id)) return
  member.outcomes = [...member.outcomes, { outcome, sequence: 0 }]
}

/** An engine not heard of for half a lease gets nothing new; its share is divided among the others. */
export function isHeard({ liveness }: Pick<Member, 'liveness'>): boolean {
  return liveness === 'live' || liveness === 'suspect'
}

/** What the engine says it still needs; nothing before its first heartbeat. */
export function demandTokens(member: Member): number {
  return member.heartbeat?.demand.tokens ?? 0
}

/**
 * Bundles that are not to be taken for unused. What was granted a moment ago counts: heartbeats under way do not know of its
 * use yet, and two engines would take it from each other before either could use it. Once the engine speaks under the larger lease,
 * only as much of it counts as it demands.
 */
export function inUseBundles(member: Member, now: Micros): number {
  const { heartbeat, settledUntilUs, settledBundles } = member
  const reported = heartbeat?.inUse ?? 0
  if (now >= settledUntilUs) return reported
  const knows = heartbeat !== undefined && heartbeat.sequence >= member.raisedAt
  return Math.max(reported, knows ? Math.min(settledBundles, heartbeat.demand.bundles) : settledBundles)
}
