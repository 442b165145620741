import { z } from 'zod'
import {
  documentPathSchema,
  factorValueSchema,
  identifierSchema,
  settingsSchema,
} from './experiment-parts.js'
import { recordedSchema } from './experiment-recorded.js'
import { searchSchema } from './experiment-search.js'
import { sloSchema } from './scenario-workload.js'

/**
 * An experiment: a question, a base scenario, what is varied, what is measured and what is compared, as people
 * write it in `infra/experiments/*.yaml`. `parseExperiment` is the way in; `libs/experiment` turns it into runs.
 */
const path = documentPathSchema
const identifier = identifierSchema

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
  'seconds',
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
  unit: metricUnitSchema
    .optional()
    .describe('how it is written; told from the path by default. seconds: microseconds, written in seconds'),
})
export type MetricSpec = z.infer<typeof metricSchema>

/** The name of a metric in tables and in comparisons. */
export function metricName({ name, path }: Pick<MetricSpec, 'name' | 'path'>): string {
  return name ?? path
}

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
  aim: z
    .number()
    .gt(0)
    .optional()
    .describe(
      'ratio to each baseline that is aimed at in the first of these metrics: at most, or at least where more is better',
    ),
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
  search: searchSchema.optional().describe('in place of the search'),
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
  recorded: z
    .array(recordedSchema)
    .readonly()
    .default([])
    .describe('numbers of others, shown beside what is measured'),
  stop: stopRuleSchema.optional().describe('more seeds until the numbers are as sharp as this'),
  search: searchSchema.optional().describe('look for a setting in place of running all of them'),
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
