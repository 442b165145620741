import { z } from 'zod'
import { documentPathSchema, factorValueSchema, identifierSchema } from './experiment-parts.js'

/**
 * What an experiment looks for: the smallest or the largest setting of one axis that meets goals, or the best of many candidates.
 * Each combination of the experiment's factors is a search of its own. `libs/experiment` says how they are made.
 */
const each = z
  .record(documentPathSchema, z.number())
  .optional()
  .describe('paths that are set to so much times the number, in place of path')

const valuePath = documentPathSchema.optional().describe('what its values are set at; its name by default')

export const orderedAxisSchema = z.strictObject({
  name: identifierSchema,
  path: valuePath,
  values: z
    .array(factorValueSchema)
    .min(2)
    .readonly()
    .optional()
    .describe('from the smallest to the largest; or else from and to'),
  from: z.number().optional(),
  to: z.number().optional().describe('above from'),
  step: z.number().gt(0).optional().describe('between two settings; 1 by default'),
  tolerance: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('in place of step: how much larger the next setting is, as a share; from is above 0 then'),
  each,
})
export type OrderedAxisSpec = z.infer<typeof orderedAxisSchema>

export const domainAxisSchema = z.strictObject({
  name: identifierSchema,
  path: valuePath,
  choices: z
    .array(factorValueSchema)
    .min(2)
    .readonly()
    .optional()
    .describe('each as likely as the others; or else from and to'),
  from: z.number().optional(),
  to: z.number().optional().describe('above from'),
  scale: z
    .enum(['linear', 'log'])
    .optional()
    .describe('in which numbers are drawn evenly; linear by default, log takes a from above 0'),
  whole: z.boolean().optional().describe('whether only whole numbers are drawn; false by default'),
  each,
})
export type DomainAxisSpec = z.infer<typeof domainAxisSchema>

export const goalSchema = z.strictObject({
  path: documentPathSchema.describe('number in summary.json; with [*] every one of them has to reach it'),
  atLeast: z.number().optional(),
  atMost: z.number().optional().describe('in place of atLeast'),
})
export type GoalSpec = z.infer<typeof goalSchema>

const GOALS = 'what runs have to come to, all of it'

const DEFAULT_GOALS = [{ path: 'models[*].sloAttainment', atLeast: 0.99 }]

const judged = {
  by: z
    .enum(['every-seed', 'mean', 'interval'])
    .default('every-seed')
    .describe('what has to reach a goal: each seed, the mean of the seeds, or its whole 95 % interval'),
  cost: z
    .enum(['gpus', 'gpu-seconds'])
    .default('gpus')
    .describe('what the front sets against the first goal: GPUs, or GPUs times simulated seconds'),
}

const threshold = {
  axis: orderedAxisSchema,
  goals: z.array(goalSchema).min(1).readonly().default(DEFAULT_GOALS).describe(GOALS),
  ...judged,
  checks: z
    .int()
    .min(0)
    .default(1)
    .describe('settings on either side of what was found that are run as well, to see that order holds'),
}

export const searchSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('smallest'), ...threshold })
    .describe('the smallest setting that meets the goals, such as a number of GPUs'),
  z
    .strictObject({ kind: z.literal('largest'), ...threshold })
    .describe('the largest setting that meets the goals, such as a rate'),
  z
    .strictObject({
      kind: z.literal('best'),
      axes: z.array(domainAxisSchema).min(1).readonly(),
      candidates: z.int().min(2).max(10_000).default(16).describe('drawn at random'),
      seed: z.int().min(0).default(1).describe('of that draw'),
      keep: z
        .int()
        .min(2)
        .default(2)
        .describe('of so many candidates the best goes on, with so many times the budget'),
      budget: z
        .array(z.enum(['seeds', 'duration']))
        .min(1)
        .readonly()
        .default(['seeds'])
        .describe("what grows from rung to rung, up to what the experiment says for the last one's"),
      metric: z
        .string()
        .optional()
        .describe('name of the metric that says which is best; the first by default'),
      goals: z.array(goalSchema).readonly().default([]).describe(GOALS),
      ...judged,
    })
    .describe('the best candidate, by successive halving; those that meet the goals come first'),
])
export type SearchSpec = z.infer<typeof searchSchema>
