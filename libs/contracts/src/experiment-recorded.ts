import { z } from 'zod'
import { identifierSchema } from './experiment-parts.js'

const level = z.union([z.string(), z.number(), z.boolean()])

/** Numbers of somebody else that belong to cells of an experiment, as a table. */
export const recordedSchema = z.strictObject({
  name: z.string().min(1).describe('whose numbers they are, in tables'),
  source: z.string().min(1).describe('where they are written'),
  metric: z.string().describe('name of the metric that they are of'),
  times: z
    .number()
    .gt(0)
    .default(1)
    .describe('what they are multiplied by: 1000000 where they are seconds and the metric is microseconds'),
  by: z.array(identifierSchema).min(1).readonly().describe('factors whose levels a row begins with'),
  over: z
    .strictObject({ factor: identifierSchema, level })
    .optional()
    .describe('also as ratios to this level, where absolute numbers mean different things'),
  rows: z.array(z.array(level).min(2).readonly()).min(1).readonly().describe('levels, then the number'),
})
export type RecordedSpec = z.infer<typeof recordedSchema>
