import { z } from 'zod'
import { countSchema, planIdSchema, planWeightSchema } from './plan-numbers.js'

const engineSchema = z.strictObject({
  id: planIdSchema,
  weight: planWeightSchema,
  guarantee: countSchema('tokens it gets before weights count').default(0),
  limit: countSchema('most tokens it may get; unlimited when left out').optional(),
  demand: countSchema('tokens it could use; unlimited when left out, idle with 0').optional(),
  group: planIdSchema.optional().describe('group whose share it divides with its siblings'),
  health: z.enum(['healthy', 'degraded', 'dead']).default('healthy'),
})

const groupSchema = z.strictObject({
  id: planIdSchema,
  weight: planWeightSchema,
  guarantee: countSchema('tokens it gets before weights count').default(0),
  limit: countSchema('most tokens it may get; unlimited when left out').optional(),
  parent: planIdSchema.optional().describe('group it is part of'),
})

/** What `kvasir plan budgets` divides: the tokens of one round among engines. Fractions are not carried from anywhere. */
export const budgetSnapshotSchema = z.strictObject({
  capacity: countSchema('tokens of the round'),
  engines: z.array(engineSchema),
  groups: z.array(groupSchema).default([]),
  maxShare: z.number().min(0).max(1).default(1).describe('largest share of the capacity one engine may get'),
})
export type BudgetSnapshot = z.infer<typeof budgetSnapshotSchema>

/** The answer of `kvasir plan budgets`. */
export const budgetPlanSchema = z.strictObject({
  budgets: z
    .array(z.strictObject({ engine: z.string(), tokens: z.int().min(0) }))
    .describe('one entry an engine, in the order of the snapshot'),
  lambda: z
    .number()
    .min(0)
    .nullable()
    .describe('tokens per weight at which engines are limited; null when nobody is limited by it'),
  conditions: z.array(z.string()).describe('what an operator should know, such as guarantees_overcommitted'),
})
export type BudgetPlan = z.infer<typeof budgetPlanSchema>
