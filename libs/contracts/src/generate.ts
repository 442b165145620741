import { z } from 'zod'
import { comparisonSchema } from './comparison.js'
import { scenarioSchema } from './scenario.js'
import { summarySchema } from './summary.js'
import { traceRecordSchema } from './trace.js'

/** What people write: fields with defaults may be left out. */
function inputSchema(schema: z.ZodType, title: string): unknown {
  return { title, ...z.toJSONSchema(schema, { io: 'input' }) }
}

/** What Kvasir writes: every field is there. */
function outputSchema(schema: z.ZodType, title: string): unknown {
  return { title, ...z.toJSONSchema(schema, { io: 'output' }) }
}

/** Path in the repository to content; `npm run generate` writes them, `npm run check` compares them. */
export const generatedFiles: Readonly<Record<string, unknown>> = {
  'schemas/scenario.schema.json': inputSchema(scenarioSchema, 'Kvasir scenario'),
  'schemas/summary.schema.json': outputSchema(summarySchema, 'Kvasir summary.json'),
  'schemas/comparison.schema.json': outputSchema(comparisonSchema, 'Kvasir comparison.json'),
  'schemas/trace.schema.json': outputSchema(traceRecordSchema, 'One line of Kvasir trace.jsonl'),
}
