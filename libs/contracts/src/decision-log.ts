import { z } from 'zod'
import { denialReasonSchema, donationClassSchema, preemptionOutcomeSchema } from './outcome.js'
import { policyNameSchema } from './settings.js'

/**
 * The decision log: JSON lines, first a header, then `{seq, prev, hash, record}`. `hash` is the SHA-256, in hexadecimal, of `prev`
 * followed by the record's JSON text; `prev` of the first line is the SHA-256 of the header's text. Each record has everything
 * that its decision was made from and what was answered, so that it can be taken again alone (DESIGN.md §5.8, law 9). Rows of
 * engines are arrays whose columns the header names.
 */
export const DECISION_LOG_FORMAT = 'kvasir-decisions'
export const DECISION_LOG_VERSION = 1

const count = z.int().min(0)
const name = z.string().min(1)
const micros = z.int().min(0)
/** Amounts that may be unlimited: JSON has no Infinity. */
const countOrUnlimited = count.nullable()

/** What kept an engine's budget from being larger. Closed: `explain` has a sentence for each. */
export const budgetBoundSchema = z.enum([
  /** Weight times level, λ: what is scarce is divided by weight. */
  'share',
  /** It has all it demanded. */
  'demand',
  /** It has all it demanded, and more was lent to it: nobody else demanded it. */
  'lent',
  /** It demands less than the small grant that idle engines wake up with. */
  'wake_up',
  /** Its guarantee is more than its share, and it gets no more than that. */
  'guarantee',
  /** The one token that everybody with demand gets. */
  'minimum',
  /** Its own limit. */
  'limit',
  /** The largest share of the pool one engine may have. */
  'max_share',
  /** It has everything that the group computes. */
  'capacity',
  /** Guarantees exceed what there is: they were divided themselves. */
  'overcommitted',
  /** It cannot be heard: it keeps the floor it was last told. */
  'degraded',
  /** The pool's policy has a rule of its own. */
  'policy',
])
export type BudgetBound = z.infer<typeof budgetBoundSchema>

/** Why a preemption request ended when it did. */
export const requestEndCauseSchema = z.enum([
  /** Nobody may give. */
  'refused',
  /** All that was promised is there. */
  'arrived',
  /** Its donors' grace, or its own time, is over. */
  'time_up',
  /** Its engine withdrew it, or is gone. */
  'cancelled',
  'engine_left',
  /** The pool is only observed. */
  'observed',
])
export type RequestEndCause = z.infer<typeof requestEndCauseSchema>

export const livenessSchema = z.enum(['live', 'suspect', 'silent', 'gone'])

/** Columns of `engines` and `shares` of a round, and of `view.engines`, their `supply`, and `donors` of a preemption. */
export const decisionColumns = {
  engines: [
    'engine',
    'model',
    'weight',
    'guarantee',
    'limit',
    'group',
    'liveness',
    'demandTokens',
    'tokensPerSecond',
    'unitsPerToken',
    'floorTokens',
    'owed',
    'leasedBundles',
    'inUseBundles',
    'demandBundles',
  ],
  shares: [
    'tokens',
    'lentTokens',
    'floorTokens',
    'bound',
    'entitledBundles',
    'grantedBundles',
    'takenBundles',
  ],
  view: [
    'id',
    'weight',
    'guarantee',
    'limit',
    'entitlement',
    'leased',
    'inUse',
    'incoming',
    'state',
    'boost',
    'preemptible',
    'protected',
    'supplyKind',
    'standing',
    'supply',
  ],
  standing: ['cooldownInUs', 'closesCycle', 'evictionsLeft'],
  supply: ['priority', 'bundles', 'costUs', 'eligibleInUs', 'protected'],
  donors: ['engine', 'bundles', 'costUs', 'class', 'priorityCeiling'],
} as const
const columnsSchema = z.strictObject(
  Object.fromEntries(Object.keys(decisionColumns).map((key) => [key, z.array(name).readonly()])),
)

export const decisionLogHeaderSchema = z.strictObject({
  format: z.literal(DECISION_LOG_FORMAT),
  version: z.literal(DECISION_LOG_VERSION),
  /** What was logged. No dates: equal runs have equal logs. */
  run: z.strictObject({ name, policy: policyNameSchema, seed: z.int() }),
  columns: columnsSchema,
})
export type DecisionLogHeader = z.infer<typeof decisionLogHeaderSchema>

const origin = { pool: name, epoch: count, atUs: micros }

const roundEngineSchema = z.tuple([
  name,
  name,
  z.int().min(1),
  z.number().min(0).max(1),
  z.number().gt(0).max(1),
  z.string().nullable(),
  livenessSchema,
  count,
  z.number().min(0),
  z.number().gt(0),
  count,
  z.number(),
  count,
  count,
  count,
])
const roundShareSchema = z.tuple([count, count, count, budgetBoundSchema, count, count, count])

/** One round of one pool: budgets of tokens, entitlements to memory, and moves of what nobody uses. */
export const roundDecisionSchema = z.strictObject({
  kind: z.literal('round'),
  ...origin,
  round: count,
  policy: policyNameSchema,
  observeOnly: z.boolean(),
  settings: z.strictObject({
    roundUs: z.int().min(1),
    maxShare: z.number().gt(0).max(1),
    reserveShare: z.number().min(0).max(1),
    deadZone: z.number().min(0).max(1),
  }),
  bundles: count,
  quarantined: count,
  free: count,
  /** Sorted by id. */
  engines: z.array(roundEngineSchema).readonly(),
  answer: z.strictObject({
    /** In the pool's unit, as are what unheard engines may still spend, and the level λ: units per weight. */
    capacity: count,
    charged: z.number().min(0),
    level: z.number().min(0).nullable(),
    contended: z.boolean(),
    conditions: z.array(name).readonly(),
    /** In the order of `engines`. */
    shares: z.array(roundShareSchema).readonly(),
  }),
})
export type RoundDecisionRecord = z.infer<typeof roundDecisionSchema>

const supplyRowSchema = z.tuple([
  z.number(),
  z.int().min(1),
  z.number().min(0),
  z.number().min(0),
  z.boolean(),
])
const viewRowSchema = z.tuple([
  name,
  z.number(),
  count,
  countOrUnlimited,
  count,
  count,
  count,
  count,
  z.enum(['live', 'suspect', 'silent']),
  z.number(),
  z.boolean(),
  z.boolean(),
  z.enum(['curve', 'groups']),
  z.tuple([z.number().min(0), z.boolean(), z.number().min(0)]).nullable(),
  z.array(supplyRowSchema).readonly(),
])
const donorRowSchema = z.tuple([
  name,
  z.int().min(1),
  z.number().min(0),
  donationClassSchema.exclude(['free']),
  z.number().nullable(),
])
const counterfactualSchema = z.strictObject({
  kind: z.enum(['later', 'priority', 'smaller', 'limit', 'free', 'none']),
  bundles: count.optional(),
  inUs: z.number().min(0).optional(),
  engine: z.string().optional(),
  above: z.number().optional(),
  text: z.string(),
})

/** Who gives for a preemption request, or why nobody does. */
export const donorsDecisionSchema = z.strictObject({
  kind: z.literal('donors'),
  ...origin,
  request: z.strictObject({
    id: name,
    engine: name,
    bundles: z.int().min(1),
    minBundles: z.int().min(1).nullable(),
    priority: z.number(),
    class: z.enum(['auto', 'entitlement', 'priority']),
    deadlineUs: z.number().nullable(),
    epoch: count.nullable(),
  }),
  observeOnly: z.boolean(),
  policy: z.strictObject({
    chooser: z.enum(['least-cost', 'kapsl-single-donor']),
    entitlementFloor: z.enum(['guarantee', 'share']),
    exactCellsMax: count,
  }),
  /** What changed shares may still take from work in this round; null: nothing holds them back. */
  movable: z.strictObject({ perRound: count, left: count }).nullable(),
  view: z.strictObject({
    epoch: count.nullable(),
    bundles: count,
    free: count,
    engines: z.array(viewRowSchema).readonly(),
  }),
  answer: z.strictObject({
    outcome: z.enum(['granted', 'granted_partial', 'denied']),
    reason: z.union([z.enum(['granted', 'granted_partial']), denialReasonSchema]),
    granted: count,
    fromFree: count,
    costUs: z.number().min(0),
    /** Whether no cheaper choice exists; null when nothing was chosen. */
    exact: z.boolean().nullable(),
    donors: z.array(donorRowSchema).readonly(),
    numbers: z.strictObject({
      wanted: count,
      least: count,
      total: count,
      free: count,
      unused: count,
      reclaimable: count,
      held: count,
      limit: countOrUnlimited,
      entitlement: count,
    }),
    explanation: z.string(),
    counterfactual: counterfactualSchema,
  }),
})
export type DonorsDecisionRecord = z.infer<typeof donorsDecisionSchema>

/** The one end of a preemption request. */
export const endDecisionSchema = z.strictObject({
  kind: z.literal('end'),
  ...origin,
  id: name,
  engine: name,
  cause: requestEndCauseSchema,
  denial: denialReasonSchema.nullable(),
  wanted: z.int().min(1),
  least: z.int().min(1),
  reserved: count,
  answer: z.strictObject({ outcome: preemptionOutcomeSchema, explanation: z.string() }),
})
export type EndDecisionRecord = z.infer<typeof endDecisionSchema>

/** A decision that can be taken again from its record alone. */
export const decisionRecordSchema = z.discriminatedUnion('kind', [
  roundDecisionSchema,
  donorsDecisionSchema,
  endDecisionSchema,
])
export type DecisionRecord = z.infer<typeof decisionRecordSchema>

/** The last record of a log that is complete. Without it lines may be missing at the end. */
export const logClosedSchema = z.strictObject({ kind: z.literal('closed'), decisions: count })

export const decisionLogRecordSchema = z.discriminatedUnion('kind', [
  ...decisionRecordSchema.options,
  logClosedSchema,
])
export type DecisionLogRecord = z.infer<typeof decisionLogRecordSchema>

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** One line after the header. */
export const decisionLogLineSchema = z.strictObject({
  seq: z.int().min(1),
  prev: sha256,
  hash: sha256,
  record: decisionLogRecordSchema,
})
export type DecisionLogLine = z.infer<typeof decisionLogLineSchema>
