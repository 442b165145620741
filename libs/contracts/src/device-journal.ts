import { z } from 'zod'

const count = z.int().min(0)
const engine = z.string().min(1)
const bundles = z.array(count).readonly()

const tenant = {
  engine,
  incarnation: count,
  /** Fraction of the group's time, where time is partitioned. */
  share: z.number(),
  blockBytesPerRank: z.number().min(0),
}

export const tenantSnapshotSchema = z.strictObject({
  ...tenant,
  /** Mapped, by id. */
  bundles,
})
export type TenantSnapshot = z.infer<typeof tenantSnapshotSchema>

const snapshot = { epoch: count, nonce: count, tenants: z.array(tenantSnapshotSchema).readonly() }

/** What a group knows that must outlive one run of it. Who waits for a turn is not in it: engines say so again. */
export const deviceSnapshotSchema = z.strictObject(snapshot)
export type DeviceSnapshot = z.infer<typeof deviceSnapshotSchema>

/** One change of what a group must not forget. `state` says everything, and makes all before it needless. */
export const journalEntrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('state'), ...snapshot }),
  z.strictObject({ kind: z.literal('fence'), epoch: count, nonce: count }),
  z.strictObject({ kind: z.literal('open'), ...tenant }),
  z.strictObject({ kind: z.literal('close'), engine }),
  z.strictObject({ kind: z.literal('map'), engine, bundles }),
  z.strictObject({ kind: z.literal('unmap'), engine, bundles }),
])
export type JournalEntry = z.infer<typeof journalEntrySchema>

const sender = { engine: z.string(), incarnation: count }
/** Why the group did not do it; absent when it did. */
const refused = z.string().optional()

/**
 * What happened on a group, for those who check afterwards that nothing was owned twice: commands that change who may command and who
 * has what, done or refused, in the order in which they were carried out.
 */
export const deviceEventSchema = z.discriminatedUnion('kind', [
  /** A run of the group begins with what it knew; `total` bundles exist. */
  z.strictObject({ kind: z.literal('began'), total: count, ...snapshot }),
  z.strictObject({ kind: z.literal('fence'), epoch: count, nonce: count, refused }),
  z.strictObject({ kind: z.literal('open'), ...sender, refused }),
  z.strictObject({ kind: z.literal('close'), ...sender, refused }),
  z.strictObject({ kind: z.literal('map'), ...sender, epoch: count, bundles, refused }),
  z.strictObject({ kind: z.literal('unmap'), ...sender, bundles, refused }),
  /** A step was begun; its `ran` is not recorded. */
  z.strictObject({ kind: z.literal('execute'), ...sender, epoch: count, refused }),
])
export type DeviceEvent = z.infer<typeof deviceEventSchema>

/** A line of a group's history: what happened, and when on the machine's clock, ms. */
export const deviceHistoryLineSchema = z.strictObject({ atMs: z.number(), event: deviceEventSchema })
export type DeviceHistoryLine = z.infer<typeof deviceHistoryLineSchema>
