import { z } from 'zod'
import { httpAddressSchema, httpUrlSchema, logLevelSchema, profileNameSchema } from './profile-parts.js'
import { dispatchNameSchema } from './scenario.js'

/** An engine as the gateway reaches it. */
export const gatewayEngineSchema = z.strictObject({
  engine: profileNameSchema.describe('id of the replica'),
  model: z.string().min(1).describe('what requests ask for'),
  url: httpUrlSchema.describe('where it serves completions: http://HOST:PORT'),
})
export type GatewayEngine = z.infer<typeof gatewayEngineSchema>

/** What the gateway's process is told at its start. */
export const gatewayProfileSchema = z.strictObject({
  engines: z
    .array(gatewayEngineSchema)
    .readonly()
    .default([])
    .describe('replicas that are there whatever the coordinators say'),
  coordinators: z
    .array(httpUrlSchema)
    .readonly()
    .default([])
    .describe('who knows which engines there are, any of them: http://HOST:PORT; none: only engines counts'),
  dispatch: dispatchNameSchema
    .default('least-outstanding')
    .describe('which replica of a model takes a request'),
  tenantLimit: z.int().min(1).default(512).describe('requests of one tenant under way at most'),
  totalLimit: z.int().min(1).default(4_096).describe('requests under way at most'),
  patienceMs: z
    .int()
    .min(0)
    .default(3_000)
    .describe('how long a request waits for an engine of its model to come back, milliseconds'),
  http: httpAddressSchema.describe('where it serves clients'),
  log: logLevelSchema,
})
export type GatewayProfile = z.infer<typeof gatewayProfileSchema>
