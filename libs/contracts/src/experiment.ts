import { z } from 'zod'
import { sloSchema } from './scenario-workload.js'

/**
 * An experiment: a question, a base scenario, what is varied, what is measured and what is compared, as people
 * write it in `infra/experiments/*.yaml`. `parseExperiment` is the way in; `libs/experiment` turns it into runs.
 *
 * Paths of a scenario and of a summary are written alike: `workload.rateScale`, `models[0].weight`, `models.chat.weight` (the
 * element of a list with that name), `models[*].engine.order` (all), `models["Llama-3.1-8B"].ttftUs.p99`.
 */
const path = z.string().min(1)
/** Begins with a letter, so that it orders well as a key, and is good for files and tables. */
const identifier = z
  .string()
  .regex(/^[A-Za-z][\w.-]*$/, 'it must begin with a letter, then letters, digits, _ . -')

export const settingsSchema = z
  .record(path, z.unknown())
  .describe('path in the scenario to value; null takes the field away')
export type Settings = z.infer<typeof settingsSchema>

const levelSchema = z.strictObject({
  name: z.string().min(1).describe('of the level, in tables'),
  set: settingsSchema,
})

export const factorValueSchema = z.union([
  z.string().min(1),
  z.number(),
  z.boolean(),
  z.array(z.unknown()).readonly(),
  levelSchema,
])
export type FactorValue = z.infer<typeof factorValueSchema>

export const factorSchema = z.strictObject({
  name: identifier,
  path: path.optional().describe('what its values are set at; its name by default'),
  values: z
    .array(factorValueSchema)
    .min(1)
    .readonly()
    .describe('plain values of the path, or { name, set } where a level sets several paths'),
})
export type FactorSpec = z.infer<typeof factorSchema>

const seedsSchema = z.union([
  z.array(z.int().min(0)).min(1).readonly(),
  z.strictObject({ first: z.int().min(0).default(1), count: z.int().min(1) }),
])
export type SeedsSpec = z.infer<typeof seedsSchema>

export const metricUnitSchema = z.enum([
  'us',
  'share',
  'count',
  'index',
  'perSecond',
  'tokensPerSecond',
  'bundles',
])
export type MetricUnit = z.infer<typeof metricUnitSchema>

export const metricSchema = z.strictObject({
  path: path.describe(
    'number in summary.json, such as goodputPerS or models.chat.ttftUs.p99; [*] takes the mean',
  ),
  name: z.string().min(1).optional().describe('in tables; the path by default'),
  better: z.enum(['higher', 'lower']),
  unit: metricUnitSchema.optional().describe('how it is written; told from the path by default'),
})
export type MetricSpec = z.infer<typeof metricSchema>

const level = z.union([z.string(), z.number(), z.boolean()])

export const comparisonSpecSchema = z.strictObject({
  factor: identifier.describe('whose levels are compared'),
  subject: level.describe('the level that the answer is about'),
  against: z.array(level).min(1).readonly().optional().describe('baselines; all other levels by default'),
  per: z
    .array(identifier)
    .readonly()
    .optional()
    .describe('factors for each of whose levels there is a verdict; all others by default, [] pools them'),
  metrics: z.array(z.string()).min(1).readonly().optional().describe('names; all by default'),
})
export type ComparisonSpec = z.infer<typeof comparisonSpecSchema>

export const stopRuleSchema = z.strictObject({
  metric: z.string().optional().describe('name of the metric that decides; the first by default'),
  within: z
    .number()
    .gt(0)
    .max(1)
    .describe('width of its 95 % interval as a share of the mean, in every cell'),
  seedsMax: z.int().min(2).describe('seeds at most'),
  step: z.int().min(1).default(2).describe('seeds added at a time'),
})
export type StopRule = z.infer<typeof stopRuleSchema>

const smallSchema = z.strictObject({
  seeds: seedsSchema.optional(),
  set: settingsSchema.optional(),
  factors: z.array(factorSchema).readonly().optional().describe('in place of the factor of the same name'),
  stop: stopRuleSchema.nullable().optional().describe('null: none; by default none'),
})

export const experimentSchema = z.strictObject({
  name: identifier.describe('names the folder of results'),
  question: z.string().min(1).describe('what it is to find out, as a sentence'),
  base: z
    .union([path, z.record(z.string(), z.unknown())])
    .describe('scenario: a file relative to this one, the name of a shipped one, or written out'),
  set: settingsSchema.default({}).describe('what all runs have other than the base'),
  slo: sloSchema.optional().describe('of all models, in place of what the scenario says'),
  factors: z.array(factorSchema).readonly().default([]),
  seeds: seedsSchema.default({ first: 1, count: 5 }),
  repetitions: z
    .int()
    .min(1)
    .default(1)
    .describe('runs of a seed; more than one is of use only where time is real: a simulation repeats itself'),
  metrics: z.array(metricSchema).min(1).readonly().describe('the first one is the main one'),
  comparisons: z.array(comparisonSpecSchema).readonly().default([]),
  stop: stopRuleSchema.optional().describe('more seeds until the numbers are as sharp as this'),
  samples: z
    .strictObject({
      perRun: z.int().min(1).max(100_000).describe('requests kept at most, drawn evenly (reservoir)'),
    })
    .optional()
    .describe('keep single requests in samples.parquet'),
  small: smallSchema.optional().describe('--small: what a quick run has other'),
})
export type ExperimentSpec = z.infer<typeof experimentSchema>
export type ExperimentSpecInput = z.input<typeof experimentSchema>
