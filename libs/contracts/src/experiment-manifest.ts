import { z } from 'zod'

/** `manifest.json`: where the numbers of an experiment's results come from. */
export const MANIFEST_VERSION = 1

const name = z.string().min(1)
const instant = z.string().describe('ISO 8601, UTC')

const sessionSchema = z.strictObject({
  startedAt: instant,
  endedAt: instant.nullable().describe('null while it runs, or when it was killed'),
  commit: z.string().describe('of the code; "unknown" outside of a git checkout'),
  dirty: z.boolean().describe('whether the checkout had changes that no commit has'),
  version: name.describe('of kvasir'),
  node: name,
  workers: z.int().min(1),
  host: z.strictObject({
    cores: z.int().min(1),
    cpu: z.string(),
    memoryBytes: z.number().min(0),
    platform: name,
  }),
})

export const manifestSchema = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  experiment: name,
  question: name,
  specHash: name.describe('SHA-256 of the specification and its base scenario, as they ran'),
  small: z.boolean(),
  status: z.enum(['running', 'stopped', 'complete']),
  factors: z.array(z.strictObject({ name, levels: z.array(z.string()).readonly() })).readonly(),
  seeds: z.array(z.int().min(0)).readonly().describe('with those that the stopping rule added'),
  runs: z.strictObject({ planned: z.int(), ended: z.int(), failed: z.int() }),
  runWallMs: z.number().min(0).describe('what the runs took, one after the other'),
  metrics: z
    .array(z.strictObject({ name, path: name, better: z.enum(['higher', 'lower']), unit: name }))
    .readonly(),
  samples: z
    .strictObject({
      perRun: z.int().min(1).describe('kept of a run at most'),
      seen: z.int().min(0).describe('requests of all runs'),
      kept: z.int().min(0),
    })
    .nullable(),
  inputs: z
    .array(z.strictObject({ file: name, sha256: name }))
    .readonly()
    .describe('files that the scenario reads'),
  failures: z.array(z.strictObject({ run: name, reason: z.string() })).readonly(),
  answer: z.array(z.string()).readonly(),
  sessions: z.array(sessionSchema).readonly().describe('the first run and every resumption'),
})
export type Manifest = z.infer<typeof manifestSchema>
export type ManifestSession = z.infer<typeof sessionSchema>
