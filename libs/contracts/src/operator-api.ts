import { z } from 'zod'
import { decisionRecordSchema } from './decision-log.js'
import { growthSchema } from './messages.js'
import { httpUrlSchema } from './profile-parts.js'
import { engineTermsSchema, policyNameSchema } from './settings.js'

/**
 * What operators and coordinators say to each other over REST: the bodies of `GET /v1/models`, `/v1/engines`, `/v1/pools`, `/v1/budgets`,
 * `/v1/decisions`, and of changes. Any coordinator answers for every pool. A change carries the revision it was made on in `If-Match`
 * and is answered when it is durable; on another revision it is refused with 409.
 */
const count = z.int().min(0)
const name = z.string().min(1)

/** A model as it is registered: `revision` rises with every change of it, from 0. */
export const modelStatusSchema = z.strictObject({
  name,
  /** Of the catalogue; absent where only engines know it. */
  architecture: z.string().optional(),
  revision: count,
  ...engineTermsSchema.shape,
  /** No engine of it joins any more. */
  draining: z.boolean(),
  /** Engines that are members of a pool at present. */
  engines: z.array(name).readonly(),
})
export type ModelStatus = z.infer<typeof modelStatusSchema>
export const modelListSchema = z.strictObject({ models: z.array(modelStatusSchema).readonly() })

/** Body of `PUT /v1/models/NAME`: registers a model, or says all its terms anew. */
export const modelTermsSchema = z.strictObject({
  architecture: z.string().min(1).optional(),
  ...engineTermsSchema.shape,
})
export type ModelTerms = z.infer<typeof modelTermsSchema>

/** Body of `PATCH /v1/models/NAME`: what is left out stays as it is. */
export const modelPatchSchema = z.strictObject({
  weight: engineTermsSchema.shape.weight.unwrap().optional(),
  guarantee: engineTermsSchema.shape.guarantee.unwrap().optional(),
  limit: engineTermsSchema.shape.limit.unwrap().optional(),
  priority: engineTermsSchema.shape.priority.unwrap().optional(),
  preemptible: engineTermsSchema.shape.preemptible.unwrap().optional(),
  group: z.string().optional(),
  draining: z.boolean().optional(),
})
export type ModelPatch = z.infer<typeof modelPatchSchema>

/** An engine as the owner of its pool knows it. */
export const engineStatusSchema = z.strictObject({
  engine: name,
  model: name,
  pool: name,
  incarnation: count,
  liveness: z.enum(['live', 'suspect', 'silent', 'gone']),
  /** Bundles it may hold, may still touch, and needs. */
  leaseBundles: count,
  heldBundles: count,
  inUseBundles: count,
  demandBundles: count,
  /** Tokens of a round: by right, lent, and wanted. */
  budgetTokens: count,
  lentTokens: count,
  demandTokens: count,
  /** Since it joined. */
  spentTokens: count,
  growth: growthSchema.optional(),
  /** Where clients reach it; absent: it serves none, or has not said so yet. */
  url: httpUrlSchema.optional(),
})
export type EngineStatus = z.infer<typeof engineStatusSchema>
export const engineListSchema = z.strictObject({ engines: z.array(engineStatusSchema).readonly() })

export const poolStatusSchema = z.strictObject({
  pool: name,
  /** Process that owns it; null: nobody at the moment. */
  owner: z.string().nullable(),
  epoch: count,
  round: count,
  policy: policyNameSchema,
  observeOnly: z.boolean(),
  /** All bundles, and how many are in which state. */
  bundles: count,
  free: count,
  leased: count,
  reclaiming: count,
  reserved: count,
  quarantined: count,
  /** What its group computes in a round. */
  capacityTokens: count,
  engines: count,
})
export type PoolStatus = z.infer<typeof poolStatusSchema>
export const poolListSchema = z.strictObject({ pools: z.array(poolStatusSchema).readonly() })

/** One engine's budget in the newest round of its pool. */
export const budgetStatusSchema = z.strictObject({
  pool: name,
  engine: name,
  model: name,
  round: count,
  tokens: count,
  lentTokens: count,
  floor: count,
  demandTokens: count,
})
export type BudgetStatus = z.infer<typeof budgetStatusSchema>
export const budgetListSchema = z.strictObject({ budgets: z.array(budgetStatusSchema).readonly() })

/** `GET /v1/decisions?pool=NAME&limit=N`: the newest, oldest first. */
export const decisionListSchema = z.strictObject({ decisions: z.array(decisionRecordSchema).readonly() })

/** Body of `POST /v1/what-if`: other terms, by model. */
export const whatIfSchema = z.strictObject({
  models: z.record(name, modelPatchSchema.omit({ draining: true })),
})
export type WhatIf = z.infer<typeof whatIfSchema>

const imaginedShareSchema = z.strictObject({ tokens: count, lentTokens: count, entitledBundles: count })
/** The newest round of each pool as it was, and as it would have been; one decision, not what would have followed from it. */
export const whatIfAnswerSchema = z.strictObject({
  rounds: z
    .array(
      z.strictObject({
        pool: name,
        round: count,
        conditions: z.array(name).readonly(),
        engines: z
          .array(
            z.strictObject({
              engine: name,
              model: name,
              before: imaginedShareSchema,
              after: imaginedShareSchema,
            }),
          )
          .readonly(),
      }),
    )
    .readonly(),
})
export type WhatIfAnswer = z.infer<typeof whatIfAnswerSchema>

/** Body of `PUT /v1/observe` and answer of `GET`: whether pools publish plans and move nothing. */
export const observeSchema = z.strictObject({ on: z.boolean() })
/** Body of `PUT /v1/policy` and, with its revision, answer of `GET`. */
export const policyChangeSchema = z.strictObject({ policy: policyNameSchema })
export const policyStatusSchema = z.strictObject({ policy: policyNameSchema, revision: count })

/** How every refusal reads: which field, which value, what would be right. */
export const refusalSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    /** With 409: the revision to read again. */
    revision: count.optional(),
  }),
})
export type RefusalBody = z.infer<typeof refusalSchema>
