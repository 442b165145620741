import { z } from 'zod'
import { deviceAddressSchema, httpAddressSchema, logLevelSchema, profileNameSchema } from './profile-parts.js'

/** What one TP group's process is told at its start. */
export const tpGroupProfileSchema = z.strictObject({
  group: profileNameSchema.describe('id of its pool: letters, digits and @ . _ -'),
  gpu: z.string().min(1).describe('GPU of the catalogue, such as H100'),
  tp: z.int().min(1).describe('ranks that act as one device'),
  bundles: z.int().min(1).describe('bundles of KV memory'),
  arbitration: z
    .enum(['claims', 'round-robin', 'partitioned'])
    .default('claims')
    .describe('how engines that share the group take turns'),
  speedUp: z.number().gt(0).default(1).describe('how many times faster than the modelled GPUs it runs'),
  listen: deviceAddressSchema.describe(
    'where engines and owners of the pool connect: host:port, or unix:PATH',
  ),
  journal: z
    .string()
    .min(1)
    .describe(
      'file that keeps epoch and mapping, so that a group that was restarted refuses what it refused before',
    ),
  history: z
    .string()
    .min(1)
    .optional()
    .describe('file that all changes of epoch and mapping are added to, for audits; absent: none is kept'),
  http: httpAddressSchema.describe('where health is asked for'),
  log: logLevelSchema,
})
export type TpGroupProfile = z.infer<typeof tpGroupProfileSchema>
