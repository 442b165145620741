import { z } from 'zod'
import { summarySchema } from './summary.js'

/** `comparison.json`: the same requests under several policies, each with every seed. */
export const COMPARISON_VERSION = 1

const index = z.int().min(0)

const cellSchema = z.strictObject({
  mean: z.number().describe('over the seeds'),
  min: z.number(),
  max: z.number(),
  seeds: z.int().min(1).describe('runs that have the number'),
})

const rowVerdictSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('won'),
    winner: index,
    runnerUp: index,
  }),
  z.strictObject({ kind: z.literal('tied'), policies: z.array(index).readonly() }),
  z.strictObject({ kind: z.literal('no_contest') }),
])

const comparisonRowSchema = z.strictObject({
  metric: z.string(),
  scope: z.string().describe("a model's name; empty for the whole run"),
  unit: z.enum(['us', 'share', 'count', 'index', 'perSecond', 'tokensPerSecond', 'bundles']),
  better: z.enum(['lower', 'higher']),
  cells: z.array(cellSchema.nullable()).readonly().describe('one a policy'),
  verdict: rowVerdictSchema.describe('policies by their place in `policies`'),
})

export const comparisonSchema = z.strictObject({
  version: z.literal(COMPARISON_VERSION),
  scenario: z.string(),
  question: z.string().nullable(),
  seeds: z.array(z.int().min(0)).readonly(),
  policies: z.array(z.string()).readonly(),
  subject: index.describe('the policy that the verdict is about'),
  verdict: z.array(z.string()).readonly().describe('who wins, by how much, and where not'),
  rows: z.array(comparisonRowSchema).readonly(),
  cautions: z.array(z.string()).readonly().describe('why numbers may not be comparable'),
  runs: z
    .array(z.strictObject({ folder: z.string().describe('below the output folder'), summary: summarySchema }))
    .readonly()
    .describe('one a policy and seed'),
})
export type ComparisonFile = z.infer<typeof comparisonSchema>
