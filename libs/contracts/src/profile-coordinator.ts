import { z } from 'zod'
import {
  deviceAddressSchema,
  grpcAddressSchema,
  httpAddressSchema,
  logLevelSchema,
  profileNameSchema,
  storeAddressSchema,
} from './profile-parts.js'
import { engineSpecSchema } from './scenario.js'
import { engineTermsSchema, policyNameSchema, poolSettingsSchema } from './settings.js'

/** A pool that the cluster's coordinators own between them. */
export const coordinatorPoolSchema = z.strictObject({
  id: profileNameSchema,
  gpu: z.string().min(1).describe('GPU of the catalogue, such as H100'),
  tp: z.int().min(1).describe('ranks of its TP group'),
  pagesPerBundle: z.int().min(1).describe('pages of 2 MiB in a bundle, on each rank'),
  bundles: z.int().min(1).describe('bundles of KV memory'),
  device: deviceAddressSchema.describe('where its TP group listens: host:port, or unix:PATH'),
})
export type CoordinatorPool = z.infer<typeof coordinatorPoolSchema>

/** A model that is registered from the start. */
export const coordinatorModelSchema = z.strictObject({
  name: z.string().min(1).describe('what requests ask for'),
  architecture: z.string().min(1).describe('model in the catalogue, such as Llama-3.1-8B'),
  ...engineTermsSchema.shape,
  serving: engineSpecSchema.prefault({}).describe('how its engines schedule'),
  pools: z.array(profileNameSchema).min(1).readonly().describe('pools on which its engines are'),
})
export type CoordinatorModel = z.infer<typeof coordinatorModelSchema>

/** What one coordinator's process is told at its start. All coordinators of a cluster are told the same pools and models. */
export const coordinatorProfileSchema = z.strictObject({
  coordinator: profileNameSchema.describe('id of this process'),
  pools: z.array(coordinatorPoolSchema).min(1).readonly(),
  models: z.array(coordinatorModelSchema).readonly(),
  policy: policyNameSchema.default('weighted-max-min').describe('how budgets and memory are divided'),
  settings: poolSettingsSchema.prefault({}).describe('timings of the owners of pools'),
  clusterShares: z.boolean().default(true).describe('whether models are weighed over all their pools'),
  store: storeAddressSchema.describe('the Redis of the cluster: url or socket'),
  http: httpAddressSchema.describe('where it serves operators'),
  grpc: grpcAddressSchema
    .optional()
    .describe('where it serves operators and engines over gRPC: host and port, or socket; absent: nowhere'),
  log: logLevelSchema,
})
export type CoordinatorProfile = z.infer<typeof coordinatorProfileSchema>
