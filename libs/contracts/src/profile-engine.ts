import { z } from 'zod'
import {
  deviceAddressSchema,
  grpcAddressSchema,
  httpAddressSchema,
  httpUrlSchema,
  logLevelSchema,
  profileNameSchema,
  storeAddressSchema,
} from './profile-parts.js'
import { engineSpecSchema } from './scenario.js'
import { sloSchema } from './scenario-workload.js'
import { policyNameSchema, poolSettingsSchema } from './settings.js'

/** What one engine's process is told at its start: which model it serves, where, and how. */
export const engineProfileSchema = z.strictObject({
  engine: profileNameSchema.describe('id of this replica: letters, digits and @ . _ -'),
  model: z.strictObject({
    name: z.string().min(1).describe('what requests ask for'),
    architecture: z.string().min(1).describe('model in the catalogue, such as Llama-3.1-8B'),
  }),
  /** Facts of the pool that every engine on it is told alike. */
  pool: z.strictObject({
    id: profileNameSchema.describe('letters, digits and @ . _ -'),
    gpu: z.string().min(1).describe('GPU of the catalogue, such as H100'),
    tp: z.int().min(1).describe('ranks of its TP group'),
    pagesPerBundle: z.int().min(1).describe('pages of 2 MiB in a bundle, on each rank'),
    bundles: z.int().min(1).describe('bundles of KV memory'),
  }),
  limit: z.number().gt(0).max(1).default(1).describe('share of the pool that the engine may ever have'),
  share: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe("fraction of the group's time, where time is partitioned"),
  slo: sloSchema
    .optional()
    .describe('what its requests are promised: by it turns on the group are ordered, and tokens asked for'),
  serving: engineSpecSchema.prefault({}).describe('how it schedules'),
  policy: policyNameSchema.default('weighted-max-min').describe("of the pool's owner"),
  settings: poolSettingsSchema.prefault({}).describe("timings of the pool's owner"),
  device: deviceAddressSchema.describe('where its TP group listens: host:port, or unix:PATH'),
  store: storeAddressSchema.describe('the Redis of the cluster: url or socket'),
  http: httpAddressSchema.describe('where it serves completions'),
  url: httpUrlSchema.optional().describe('where the gateway reaches it; absent: where it listens'),
  grpc: grpcAddressSchema
    .optional()
    .describe('where it serves completions over gRPC: host and port, or socket; absent: nowhere'),
  drainMs: z
    .int()
    .min(0)
    .default(10_000)
    .describe('time that requests under way have to end when it is stopped'),
  log: logLevelSchema,
})
export type EngineProfile = z.infer<typeof engineProfileSchema>

/** What a process of engines is told: one, or several that share it. Small ones then cost a tenth of the memory. */
export const engineProcessSchema = z.union([
  engineProfileSchema,
  z.strictObject({ engines: z.array(engineProfileSchema).min(1).readonly() }),
])
export type EngineProcess = z.infer<typeof engineProcessSchema>
