import { z } from 'zod'
import { faultSpecSchema } from './faults.js'
import { sloSchema, workloadSpecSchema } from './scenario-workload.js'
import { engineTermsSchema, policyNameSchema, poolSettingsSchema, type PoolSettings } from './settings.js'

/**
 * A scenario: cluster, models, workload and policy of one simulation, as people write it in YAML or TOML. Every
 * quantity has its unit in its name, every field but `name`, `models` and what a choice requires has a default, and
 * an unknown field is refused. `parseScenario` is the way in.
 */
const name = z.string().min(1)
const positive = z.number().gt(0)
const atLeastOne = z.int().min(1)

const nodeSchema = z.union([
  z.strictObject({ gpu: name, count: atLeastOne }),
  z.strictObject({ gpus: z.array(name).min(1).readonly() }),
])

/** What engines on one TP group share. */
export const sharingNameSchema = z.enum(['time', 'spatial'])

const groupSchema = z.strictObject({
  id: name.describe('pool id'),
  gpu: name.describe('GPU in the catalogue, such as H100'),
  tp: atLeastOne.describe('tensor-parallel degree: GPUs in the group'),
  sharing: sharingNameSchema.optional().describe("in place of the cluster's"),
})

export const clusterSpecSchema = z.strictObject({
  preset: name.optional().describe('such as h100_16gpu; or else `nodes` or `groups`'),
  nodes: z
    .array(nodeSchema)
    .min(1)
    .readonly()
    .optional()
    .describe('GPUs by node; groups are made of consecutive equal ones'),
  groups: z.array(groupSchema).min(1).readonly().optional().describe('TP groups by hand'),
  tp: atLeastOne.optional().describe('tensor-parallel degree of the groups made from a preset or from nodes'),
  grow: z.boolean().default(false).describe('add groups of the same kind when the weights need them'),
  memoryUtilisation: positive.max(1).optional().describe("share of each GPU's memory that may be used"),
  reserveGiB: z
    .number()
    .min(0)
    .optional()
    .describe(
      "memory of each GPU kept from weights and KV, GiB; by default what the models' engines need to run",
    ),
  bundleMiB: z
    .int()
    .multipleOf(2)
    .min(2)
    .optional()
    .describe(
      'KV memory of each GPU that changes owner at once, MiB; by default 8, doubled until a block of every model fits',
    ),
  sharing: sharingNameSchema
    .optional()
    .describe(
      'what engines on one group share: its time, one step at a time (default), or its multiprocessors, steps side by side; only simulated',
    ),
})
export type ClusterSpec = z.infer<typeof clusterSpecSchema>

export const orderNameSchema = z.enum(['fcfs', 'priority', 'weighted-fifo', 'srpt', 'wsrpt', 'edf', 'fair'])
export const predictorNameSchema = z.enum(['oracle', 'max-tokens', 'learned'])
export const victimNameSchema = z.enum(['latest', 'lowest-priority', 'least-waste'])
export const preemptionNameSchema = z.enum(['recompute', 'swap', 'cheapest'])
export const placementNameSchema = z.enum(['queue-order', 'fullest-bundle'])
export const hostPresetNameSchema = z.enum([
  'vllm-async',
  'vllm-inferencemax',
  'vllm-sync',
  'trtllm',
  'eager-2023',
  'none',
])
export const dtypeSchema = z.enum(['bf16', 'fp16', 'fp8', 'int8'])
export const dispatchNameSchema = z.enum(['least-outstanding', 'round-robin', 'prefix-affinity', 'session'])

export const remoteGroupSpecSchema = z.strictObject({
  latencyMs: z.number().min(0).describe('one way of a word between an engine and its group'),
  outputMs: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'own work of the engine after a step, before it says or hears anything else there: its tokens go out, the next step is planned',
    ),
  outputSequenceMs: z.number().min(0).default(0).describe('the same, for each further sequence of the step'),
})
export type RemoteGroupSpec = z.infer<typeof remoteGroupSpecSchema>

/** An engine's local scheduler. What is left out keeps the scheduler's own default. */
export const engineSpecSchema = z.strictObject({
  blockSize: atLeastOne.optional().describe('tokens of one KV block'),
  stepTokenLimit: atLeastOne.optional().describe('most tokens one step may compute'),
  prefillTokenLimit: z.int().min(0).optional().describe('of these, most for prompts; 0: no such limit'),
  sequenceLimit: atLeastOne.optional().describe('most sequences in one step'),
  contextLimit: atLeastOne
    .optional()
    .describe("most tokens of prompt and output; never above the model's own context"),
  chunkedPrefill: z.boolean().optional(),
  longPrefillThreshold: z
    .int()
    .min(0)
    .optional()
    .describe('most prompt tokens of one sequence in one step; 0: no such limit'),
  prefixCaching: z.boolean().optional(),
  watermark: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('share of the blocks kept free when a sequence is admitted'),
  reserveFullSequence: z.boolean().optional().describe('admit only what would fit to its end'),
  queueLimit: z.int().min(0).optional().describe('waiting requests at most; 0: no limit'),
  order: orderNameSchema.optional().describe('which waiting request runs next'),
  agingPerS: z
    .number()
    .min(0)
    .optional()
    .describe(
      "what a second of waiting makes up for, in the order's own unit; by default 1/60 for priority, weighted-fifo and edf, 100000 (us) for srpt and wsrpt; 0: nothing, then waiting has no bound",
    ),
  preemptive: z
    .boolean()
    .optional()
    .describe('the head of the queue may displace what the order places behind it; not with fcfs or fair'),
  predictor: predictorNameSchema
    .optional()
    .describe(
      "output length that srpt and wsrpt expect: the true one, the request's limit (default), or a quantile of the outputs so far",
    ),
  predictorQuantile: positive.max(1).optional().describe('of predictor learned; 0.5 by default'),
  shedUnreachable: z
    .boolean()
    .optional()
    .describe('end what has not begun to run when its deadline cannot be met any more; false by default'),
  victim: victimNameSchema.optional().describe('which sequence is stopped for memory'),
  preemption: preemptionNameSchema
    .optional()
    .describe("what becomes of a stopped sequence's KV: dropped, copied to host memory, or what costs less"),
  swapGiB: z
    .number()
    .min(0)
    .optional()
    .describe("an engine's host memory for stopped sequences, GiB per GPU; 4 by default"),
  placement: placementNameSchema.optional().describe('which free block is taken'),
  host: hostPresetNameSchema.optional().describe('CPU cost of a step'),
  hostStepMs: z.number().min(0).optional().describe("CPU time of a step, in place of the host preset's"),
  hostSequenceMs: z
    .number()
    .min(0)
    .optional()
    .describe("and of each of its sequences, in place of the host preset's"),
  fixedStepMs: positive
    .optional()
    .describe(
      'what every step takes, whatever it computes, in place of the cost model: to repeat simulators that count steps or give tasks fixed rates; only simulated',
    ),
  planAhead: z
    .boolean()
    .optional()
    .describe(
      "whether the next step is planned when one begins, so that what arrives meanwhile waits for the one after it (vLLM's --async-scheduling); the host preset's by default",
    ),
  frontEndMs: z
    .number()
    .min(0)
    .optional()
    .describe(
      "what a request adds to its time to first token besides queueing and computing (API, tokeniser, return), in place of the host preset's",
    ),
  remoteGroup: remoteGroupSpecSchema
    .optional()
    .describe(
      'the TP group is in another process, as that of a live engine: words take time, and the engine asks ahead for its turns and memory; by default both are one process, where answers take no time; only simulated',
    ),
  numGpuBlocks: atLeastOne
    .optional()
    .describe('KV blocks of an engine, in place of what fits; only for an engine alone on its group'),
  dtype: dtypeSchema.optional().describe("format of the weights; the checkpoint's by default"),
  kvDtype: dtypeSchema.optional().describe("format of the KV cache; the checkpoint's by default"),
})
export type EngineSpec = z.infer<typeof engineSpecSchema>

const replicaSchema = z.union([
  name,
  z.strictObject({
    pool: name,
    joinS: z.number().min(0).default(0).describe('when the engine starts, seconds'),
    leaveS: positive.optional().describe('when it leaves, seconds'),
  }),
])

export const modelSpecSchema = z.strictObject({
  name: name.describe('what requests ask for'),
  architecture: name.describe('model in the catalogue, such as Llama-3.1-8B'),
  replicas: atLeastOne.optional().describe('engines, placed where memory is; 1 by default'),
  pools: z
    .array(replicaSchema)
    .min(1)
    .readonly()
    .optional()
    .describe('placement by hand: one engine on each pool named'),
  dataParallel: atLeastOne
    .optional()
    .describe(
      'replicas that share the experts and compute in lock step, each with sequences of its own on a TP group of its own; 1 by default',
    ),
  expertParallel: z
    .boolean()
    .optional()
    .describe('whether each GPU holds whole experts in place of a slice of each one; false by default'),
  ...engineTermsSchema.shape,
  slo: sloSchema.optional(),
  engine: engineSpecSchema.optional(),
})
export type ModelSpec = z.infer<typeof modelSpecSchema>

const millis = z.number().min(0)

/** The pool settings in milliseconds; what is left out keeps the default of {@link poolSettingsSchema}. */
export const coordinatorSpecSchema = z.strictObject({
  roundMs: positive.optional().describe('length of a budget round'),
  heartbeatMs: positive.optional().describe('how often an engine reports'),
  leaseMs: positive.optional().describe('life of a lease after the heartbeat it answers'),
  graceMs: positive.optional().describe('time a donor has to release'),
  requestWithinMs: positive.optional().describe('default deadline of a preemption request'),
  minResidencyMs: millis
    .optional()
    .describe('time a donor keeps what it was granted before others may evict it'),
  cooldownMs: millis.optional().describe('time between two evictions of the same pair'),
  requesterDelayMs: millis
    .optional()
    .describe('time an engine is short of memory before lower work of others stops for it'),
  ...poolSettingsSchema
    .pick({
      deadZone: true,
      movePerRound: true,
      maxShare: true,
      reserveShare: true,
      countTokens: true,
      fixedMemory: true,
      observeOnly: true,
    })
    .partial().shape,
  clusterShares: z
    .boolean()
    .optional()
    .describe('whether models with replicas in several pools are weighed over the whole cluster'),
})
export type CoordinatorSpec = z.infer<typeof coordinatorSpecSchema>

export const scenarioSchema = z.strictObject({
  name: name.describe('names the output folder'),
  question: z.string().optional().describe('what the run is to find out'),
  seed: z.int().min(0).default(1),
  durationS: positive
    .optional()
    .describe('no request arrives after it, seconds; the run goes on until all have ended'),
  stopAtS: positive.optional().describe('the run stops there, seconds; what has not ended is unfinished'),
  policy: policyNameSchema.default('weighted-max-min').describe('how budgets and memory are divided'),
  dispatch: dispatchNameSchema
    .default('least-outstanding')
    .describe('which replica of a model takes a request'),
  cluster: clusterSpecSchema.prefault({ preset: 'h100_16gpu' }),
  hardware: z
    .strictObject({
      profiles: z
        .array(name)
        .readonly()
        .default([])
        .describe('files of GPUs that were measured (tools/calibrate), in place of what ships for them'),
    })
    .optional(),
  models: z.array(modelSpecSchema).min(1).readonly(),
  workload: workloadSpecSchema,
  coordinator: coordinatorSpecSchema.prefault({}),
  engine: engineSpecSchema.prefault({}).describe('of all models; a model may override'),
  slo: sloSchema.prefault({}).describe('of all models; a model may override'),
  network: z
    .strictObject({
      latencyMs: millis.default(0.2).describe('one-way message latency'),
      jitterMs: millis.default(0.05).describe('mean of the exponential part on top'),
    })
    .prefault({}),
  faults: z
    .array(faultSpecSchema)
    .readonly()
    .optional()
    .describe('what breaks in the middle; only simulated'),
  compare: z
    .strictObject({
      policies: z.array(policyNameSchema).min(1).readonly().optional(),
      seeds: z.array(z.int().min(0)).min(1).readonly().optional(),
    })
    .optional()
    .describe('runs every policy with every seed on the same requests'),
})
export type Scenario = z.infer<typeof scenarioSchema>
export type ScenarioInput = z.input<typeof scenarioSchema>

/** The coordinator's part of a scenario as the owner of a pool takes it. */
export function poolSettingsOf({ clusterShares: _, ...spec }: CoordinatorSpec): PoolSettings {
  const input = new Map<string, unknown>()
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined) continue
    if (key.endsWith('Ms')) input.set(`${key.slice(0, -2)}Us`, Math.round(Number(value) * 1000))
    else input.set(key, value)
  }
  return poolSettingsSchema.parse(Object.fromEntries(input))
}
