import { z } from 'zod'
import { preemptionOutcomeSchema } from './outcome.js'
import { httpUrlSchema } from './profile-parts.js'
import { SUPPLY_POINTS_MAX, supplyPointSchema } from './supply.js'

/**
 * What an engine and the owner of its pool say to each other. The protocol is state-based: heartbeats and documents are
 * absolute, so a missing, doubled or reordered one is harmless; only what must not be lost (join, leave, request, cancel)
 * is numbered, resent until processed, and processed once.
 */
const count = z.int().min(0)
const micros = z.number().min(0)
const share = z.number().min(0).max(1)
const sender = { engine: z.string().min(1), incarnation: count }

export const demandSchema = z.strictObject({
  /** Decode tokens due in the next round plus prefill tokens that could be computed in it. */
  tokens: count,
  /** Bundles for the running sequences and for as much of the queue as the horizon covers. */
  bundles: count,
  /** Tokens per second the engine reaches alone at its present mix. */
  tokensPerSecond: z.number().min(0),
})
export type Demand = z.infer<typeof demandSchema>

export const joinSchema = z.strictObject({
  kind: z.literal('join'),
  ...sender,
  number: count,
  model: z.string().min(1),
})
export const leaveSchema = z.strictObject({ kind: z.literal('leave'), ...sender, number: count })
export const preemptionRequestSchema = z.strictObject({
  kind: z.literal('request'),
  ...sender,
  number: count,
  id: z.string().min(1),
  bundles: z.int().min(1),
  minBundles: z.int().min(1),
  priority: z.number(),
  class: z.enum(['auto', 'entitlement', 'priority']),
  /** How long after sending the answer is still of use. */
  withinUs: micros,
})
export const cancelSchema = z.strictObject({
  kind: z.literal('cancel'),
  ...sender,
  number: count,
  id: z.string().min(1),
})
/** Bundles that came into use since the engine joined, each as often as it did; and bundles that it got by requests to its owner. */
export const growthSchema = z.strictObject({ taken: count, asked: count })
export type Growth = z.infer<typeof growthSchema>

export const heartbeatSchema = z.strictObject({
  kind: z.literal('heartbeat'),
  ...sender,
  beat: count,
  model: z.string().min(1),
  /** Numbered messages that the engine knows to be processed: an owner who has forgotten it goes on from there. */
  processedThrough: count,
  /** Newest document applied: what the engine holds is said under it. */
  epoch: count,
  sequence: count,
  /** Bundles the engine may still touch under that document / of these, bundles in use or needed by running sequences. */
  held: count,
  inUse: count,
  demand: demandSchema,
  /** Shares of memory that is held and of no use, see `Fragmentation` of the KV cache; an engine that does not count leaves it out. */
  fragmentation: z.strictObject({ internal: share, bundle: share, pool: share }).optional(),
  /** Tokens scheduled since the engine joined. */
  spentTokens: count,
  growth: growthSchema.optional(),
  /** Lowest priority among running sequences; null when none runs. */
  lowestPriority: z.number().nullable(),
  supply: z.array(supplyPointSchema).max(SUPPLY_POINTS_MAX).readonly(),
  /** Where clients reach the engine; absent: it serves none. Said by its process, which knows. */
  url: httpUrlSchema.optional(),
})

/** What must not be lost: numbered, and processed once. */
export const engineLetterSchema = z.discriminatedUnion('kind', [
  joinSchema,
  leaveSchema,
  preemptionRequestSchema,
  cancelSchema,
])
export const engineMessageSchema = z.discriminatedUnion('kind', [engineLetterSchema, heartbeatSchema])
export type Join = z.infer<typeof joinSchema>
export type Leave = z.infer<typeof leaveSchema>
export type PreemptionRequest = z.infer<typeof preemptionRequestSchema>
export type Cancel = z.infer<typeof cancelSchema>
export type Heartbeat = z.infer<typeof heartbeatSchema>
export type EngineLetter = z.infer<typeof engineLetterSchema>
export type EngineMessage = z.infer<typeof engineMessageSchema>

/** An engine without work reports every so many heartbeats: nothing of it changes. Once it has work it says so at once. */
export const IDLE_HEARTBEATS = 4

/** Whether an engine had no work when it reported: nothing waits, and nothing is in use. */
export function isIdle({ demand, inUse, lowestPriority }: Heartbeat): boolean {
  return demand.tokens === 0 && demand.bundles === 0 && inUse === 0 && lowestPriority === null
}

export const budgetSchema = z.strictObject({
  round: count,
  /** Tokens the engine may schedule in a round by right. */
  tokens: count,
  /** Tokens nobody demanded, lent by weight, and the rest of a guarantee that is kept ready; revocable with the next document. */
  lentTokens: count,
  /** What the budget decays to when documents stop coming. */
  floor: count,
})
export type Budget = z.infer<typeof budgetSchema>

/** Bundles an engine must give up, already taken out of its lease, and whom it may stop for them. */
export const reclaimOrderSchema = z.strictObject({
  /** The preemption request they are for; empty when an owner only moves what is unused. */
  request: z.string(),
  bundles: z.int().min(1),
  /** Only sequences of lower priority may be stopped; null when any may, absent when none may. */
  victimsBelow: z.number().nullable().optional(),
})
export type ReclaimOrder = z.infer<typeof reclaimOrderSchema>

/** Everything an engine needs to know, each time in full. Holding more than the lease is the command to release. */
export const engineDocumentSchema = z.strictObject({
  ...sender,
  epoch: count,
  /** Rises with every document of an epoch; a lower one is ignored. */
  sequence: count,
  /** Newest heartbeat the owner has read: the lease runs from the moment the engine sent it. */
  ackBeat: count,
  processedThrough: count,
  member: z.boolean(),
  /** The owner is new and cannot ask the device: the lease is what is mapped, and the next heartbeat says how much that is. */
  census: z.boolean(),
  /** Bundles the engine may hold, and of these the ones it keeps when nobody can be asked. */
  leaseBundles: count,
  guaranteeBundles: count,
  /** Most bundles the engine may ever be granted: a sequence that needs more is refused. */
  limitBundles: count,
  budget: budgetSchema,
  reclaims: z.array(reclaimOrderSchema).readonly(),
  /** Of requests that do not say their own: its model's, as operators set it; absent where nobody did, and 0 then. */
  priority: z.number().optional(),
  /** Whether the engine has neighbours in its pool. */
  sharesPool: z.boolean(),
  /** Whether memory is so scarce that heartbeats shall carry a supply curve: it costs more than all the rest of them. */
  supplyWanted: z.boolean(),
  outcomes: z.array(preemptionOutcomeSchema).readonly(),
})
export type EngineDocument = z.infer<typeof engineDocumentSchema>
