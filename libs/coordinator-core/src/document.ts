import type { EngineDocument, Heartbeat, ReclaimOrder } from '@kvasir/contracts'
import type { Member } from './member.js'
import { guaranteeBundles } from './memory-round.js'
import type { Departed } from './registry.js'

export interface DocumentContext {
  readonly epoch: number
  readonly round: number
  /** Of the pool. */
  readonly bundles: number
  readonly leaseBundles: number
  readonly limitBundles: number
  readonly reclaims: readonly ReclaimOrder[]
  readonly sharesPool: boolean
  readonly supplyWanted: boolean
}

/** The whole truth for one engine under its present sequence number. Marks new outcomes as carried by it. */
export function documentFor(member: Member, context: DocumentContext): EngineDocument {
  if (member.outcomes.length > 0)
    member.outcomes = member.outcomes.map((entry) =>
      entry.sequence === 0 ? { ...entry, sequence: member.sequence } : entry,
    )
  if (context.reclaims.length === 0) member.revokedAt = 0
  else member.revokedAt ||= member.sequence
  if (context.leaseBundles > member.leaseBundles) member.raisedAt = member.sequence
  member.leaseBundles = context.leaseBundles
  return {
    engine: member.engine,
    incarnation: member.incarnation,
    epoch: context.epoch,
    sequence: member.sequence,
    ackBeat: member.heartbeat?.beat ?? 0,
    processedThrough: member.processedThrough,
    member: true,
    census: !member.counted,
    leaseBundles: context.leaseBundles,
    guaranteeBundles: guaranteeBundles(member, context.bundles),
    limitBundles: context.limitBundles,
    budget: {
      round: context.round,
      tokens: member.tokens,
      lentTokens: member.lentTokens,
      floor: member.floorTokens,
    },
    reclaims: context.reclaims,
    priority: member.terms.priority,
    sharesPool: context.sharesPool,
    supplyWanted: context.supplyWanted,
    outcomes: member.outcomes.map((entry) => entry.outcome),
  }
}

/**
 * The answer to an engine that believes to be a member still: it holds nothing, and what it has asked for has ended. Its
 * sequence is above all that the engine knows, so that it is read.
 */
export function farewellFor(departed: Departed, heartbeat: Heartbeat, epoch: number): EngineDocument {
  departed.sequence = Math.max(departed.sequence, heartbeat.sequence) + 1
  return {
    engine: departed.engine,
    incarnation: departed.incarnation,
    epoch,
    sequence: departed.sequence,
    ackBeat: heartbeat.beat,
    processedThrough: departed.processedThrough,
    member: false,
    census: false,
    leaseBundles: 0,
    guaranteeBundles: 0,
    limitBundles: 0,
    budget: { round: 0, tokens: 0, lentTokens: 0, floor: 0 },
    reclaims: [],
    sharesPool: false,
    supplyWanted: false,
    outcomes: departed.outcomes.map((carried) => carried.outcome),
  }
}
