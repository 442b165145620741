import { z } from 'zod'
import { comparisonSchema } from './comparison.js'
import { decisionLogHeaderSchema, decisionLogLineSchema } from './decision-log.js'
import { experimentSchema } from './experiment.js'
import { manifestSchema } from './experiment-manifest.js'
import { kernelProfileSchema } from './kernel-profile.js'
import { budgetPlanSchema, budgetSnapshotSchema } from './plan-budgets.js'
import { preemptionPlanSchema, preemptionSnapshotSchema } from './plan-preemption.js'
import { stepAnswerSchema, stepQuestionSchema } from './predict-step.js'
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
  'schemas/cluster.schema.json': inputSchema(
    scenarioSchema.partial({ name: true, workload: true }),
    'Cluster file of kvasir up',
  ),
  'schemas/experiment.schema.json': inputSchema(experimentSchema, 'Kvasir experiment'),
  'schemas/manifest.schema.json': outputSchema(manifestSchema, 'Kvasir manifest.json of an experiment'),
  'schemas/summary.schema.json': outputSchema(summarySchema, 'Kvasir summary.json'),
  'schemas/comparison.schema.json': outputSchema(comparisonSchema, 'Kvasir comparison.json'),
  'schemas/decision-log.schema.json': outputSchema(
    z.union([decisionLogHeaderSchema, decisionLogLineSchema]),
    'One line of Kvasir decisions.jsonl',
  ),
  'schemas/trace.schema.json': outputSchema(traceRecordSchema, 'One line of Kvasir trace.jsonl'),
  'schemas/plan-budgets.schema.json': inputSchema(budgetSnapshotSchema, 'Snapshot for kvasir plan budgets'),
  'schemas/plan-budgets-answer.schema.json': outputSchema(budgetPlanSchema, 'Answer of kvasir plan budgets'),
  'schemas/plan-preemption.schema.json': inputSchema(
    preemptionSnapshotSchema,
    'Snapshot for kvasir plan preemption',
  ),
  'schemas/plan-preemption-answer.schema.json': outputSchema(
    preemptionPlanSchema,
    'Answer of kvasir plan preemption',
  ),
  'schemas/kernel-profile.schema.json': inputSchema(kernelProfileSchema, 'Profile of a GPU'),
  'schemas/predict-step.schema.json': inputSchema(stepQuestionSchema, 'One line for kvasir predict step'),
  'schemas/predict-step-answer.schema.json': outputSchema(stepAnswerSchema, 'Answer of kvasir predict step'),
}
