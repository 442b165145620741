import { z } from 'zod'

/** How budgets and memory are divided. The last three exist for comparison. */
export const policyNameSchema = z.enum([
  'weighted-max-min',
  'proportional',
  'drf',
  'kapsl-compat',
  'static',
  'uncoordinated',
])
export type PolicyName = z.infer<typeof policyNameSchema>

const positiveMicros = z.int().min(1)

/** Timings and dampings of a pool's owner, with the defaults of the protocol (`docs/invariants.md`). */
export const poolSettingsSchema = z.strictObject({
  roundUs: positiveMicros.default(100_000).describe('length of a budget round'),
  heartbeatUs: positiveMicros.default(300_000).describe('how often an engine reports'),
  leaseUs: positiveMicros.default(8_000_000).describe('life of a lease after the heartbeat it answers'),
  graceUs: positiveMicros.default(1_000_000).describe('time a donor has to release'),
  requestWithinUs: positiveMicros.default(2_000_000).describe('default deadline of a preemption request'),
  minResidencyUs: z
    .int()
    .min(0)
    .default(0)
    .describe('time a donor keeps what it was granted before others may evict it'),
  cooldownUs: z.int().min(0).default(500_000).describe('time between two evictions of the same pair'),
  requesterDelayUs: z
    .int()
    .min(0)
    .default(0)
    .describe('time an engine is short of memory before lower work of others stops for it'),
  deadZone: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('share of entitlement below which nothing in use moves'),
  movePerRound: z
    .number()
    .min(0)
    .max(1)
    .default(0.1)
    .describe('most of a pool that may be reclaimed in one round'),
  maxShare: z.number().gt(0).max(1).default(1).describe('largest share of the pool one engine may have'),
  reserveShare: z.number().min(0).max(1).default(0.02).describe('share of the pool kept free for requests'),
  countTokens: z
    .enum(['plain', 'cost-weighted'])
    .default('cost-weighted')
    .describe('unit in which budgets of different models add up'),
  fixedMemory: z
    .boolean()
    .default(false)
    .describe('KV memory in fixed shares by weight, whatever the policy does with it'),
  observeOnly: z.boolean().default(false).describe('publish plans and move nothing'),
})
export type PoolSettings = z.infer<typeof poolSettingsSchema>
export type PoolSettingsInput = z.input<typeof poolSettingsSchema>

/** What an operator says about one model (and so about each engine that serves it). */
export const engineTermsSchema = z.strictObject({
  weight: z.int().min(1).max(1_000_000).default(1),
  guarantee: z.number().min(0).max(1).default(0).describe('share of the pool returned on demand'),
  limit: z.number().gt(0).max(1).default(1).describe('share of the pool never exceeded'),
  priority: z.number().default(0).describe('higher runs first, across models'),
  preemptible: z.boolean().default(true),
  group: z.string().optional(),
})
export type EngineTerms = z.infer<typeof engineTermsSchema>
