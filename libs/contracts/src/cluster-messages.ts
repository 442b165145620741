import { z } from 'zod'
import { engineTermsSchema } from './settings.js'

/**
 * What the owners of pools and the owner of the cluster say to each other. Both sides say everything each time and number it, so that
 * what is missing, doubled or out of order does no harm.
 */
const count = z.int().min(0)
const name = z.string().min(1)
/** Who speaks under which ownership; the higher pair of the two is the newer word. */
const numbered = { epoch: count, sequence: count }

/** How often both sides speak at least. */
export const CLUSTER_PERIOD_US = 1_000_000
/** Periods without a word after which nothing is built on the last one any more. */
export const CLUSTER_PERIODS_HELD = 3

/** Whether what was last heard so long ago still counts, for pools as for the cluster. */
export function isClusterWordFresh(silentUs: number): boolean {
  return silentUs <= CLUSTER_PERIODS_HELD * CLUSTER_PERIOD_US
}

/** One engine's claim on its pool's round, in the unit in which all pools of the cluster count. */
export const reportedEngineSchema = z.strictObject({
  engine: name,
  model: name,
  /** Of its model, as the pool knows it. */
  weight: z.int().min(1),
  guaranteeUnits: count,
  limitUnits: count,
  demandUnits: count,
  /** False when nobody hears it: its share goes to the others. */
  heard: z.boolean(),
})
export type ReportedEngine = z.infer<typeof reportedEngineSchema>

/** What a pool divides in one round, and among whom. */
export const poolReportSchema = z.strictObject({
  pool: name,
  ...numbered,
  capacityUnits: count,
  /** Models that may join, whether they have engines at present or not. */
  models: z.array(name).readonly(),
  engines: z.array(reportedEngineSchema).readonly(),
})
export type PoolReport = z.infer<typeof poolReportSchema>

/** An operator's word on one model, for every pool. */
export const modelChangeSchema = z.strictObject({
  model: name,
  /** Above that of the change before: whoever writes without having read it is refused. */
  revision: z.int().min(1),
  terms: engineTermsSchema,
  /** No engine of a draining model joins any more. */
  draining: z.boolean().default(false),
  /** Of the catalogue; left out where only engines know it. */
  architecture: name.optional(),
  /** Registered no more: it is not listed, and joins are refused. */
  removed: z.literal(true).optional(),
})
export type ModelChange = z.infer<typeof modelChangeSchema>

/** By which weights a pool divides, and on which terms its models are registered. */
export const shareDocumentSchema = z.strictObject({
  pool: name,
  ...numbered,
  /** All that were ever changed through the cluster: an engine of any of them may join any pool. */
  models: z.array(modelChangeSchema).readonly(),
  /** They compare with each other only; an engine that is not among them has its model's weight beside their models'. */
  weights: z.array(z.strictObject({ engine: name, weight: z.int().min(1) })).readonly(),
})
export type ShareDocument = z.infer<typeof shareDocumentSchema>

/** A coordinator says that it is there: where its like look, each in a place of its own. */
export const coordinatorPresenceSchema = z.strictObject({
  coordinator: name,
  /** Changes with every word: who stops changing it is not there. */
  beat: count,
  /** Actors it owns. */
  offices: z.array(name).readonly(),
})
export type CoordinatorPresence = z.infer<typeof coordinatorPresenceSchema>
