import { z } from 'zod'
import { faultSummarySchema } from './fault-summary.js'
import { denialReasonSchema } from './outcome.js'
import { policyNameSchema } from './settings.js'

/** `summary.json`: what one run came to. Times are virtual microseconds unless a name says otherwise. */
export const SUMMARY_VERSION = 1

const count = z.int().min(0)
const share = z.number().min(0).max(1)
const micros = z.number().min(0)

export const distributionSchema = z.strictObject({
  count: count.describe('samples; every other member is null when it is 0'),
  mean: micros.nullable(),
  p50: micros.nullable(),
  p90: micros.nullable(),
  p95: micros.nullable(),
  p99: micros.nullable(),
  max: micros.nullable(),
})
export type Distribution = z.infer<typeof distributionSchema>

export const requestCountsSchema = z.strictObject({
  submitted: count.describe('requests that arrived: finished + rejected + unfinished'),
  finished: count,
  rejected: count.describe('refused with a reason, never started or given up'),
  unfinished: count.describe('still waiting or running when the run was stopped'),
  rejectedBy: z.record(z.string(), count).describe('rejections by reason'),
})
export type RequestCounts = z.infer<typeof requestCountsSchema>

export const tokenCountsSchema = z.strictObject({
  prompt: count.describe('prompt tokens of the finished requests'),
  output: count.describe('output tokens of the finished requests'),
  computed: count.describe('tokens that steps computed, of prompts and outputs, whoever they were of'),
  recomputed: count.describe('of these, computed again because a sequence had been preempted'),
  wastedShare: share.describe('recomputed over computed; 0 when nothing was'),
  prefixHit: count.describe('prompt tokens found in the prefix cache and not computed'),
})
export type TokenCounts = z.infer<typeof tokenCountsSchema>

const latencies = {
  ttftUs: distributionSchema.describe('arrival to first token'),
  tpotUs: distributionSchema.describe('mean time per output token after the first, one sample a request'),
  itlUs: distributionSchema.describe('each gap between two tokens of a request'),
  e2eUs: distributionSchema.describe('arrival to last token'),
  queueUs: distributionSchema.describe('arrival to the first step that computed any of its tokens'),
}

export const preemptionCountsSchema = z.strictObject({
  brokered: count.describe('preemption requests made: granted + partial + denied + expired + pending'),
  granted: count,
  partial: count.describe('granted in part'),
  denied: count,
  expired: count.describe('withdrawn by the engine that had asked'),
  pending: count.describe('without an answer when the run ended'),
  deniedBy: z.partialRecord(denialReasonSchema, count).describe('denials by reason'),
  bundles: count.describe('bundles granted through the broker'),
  victims: count.describe('sequences stopped so that another engine could have their memory'),
  local: count.describe('sequences that an engine stopped for one of its own'),
})
export type PreemptionCounts = z.infer<typeof preemptionCountsSchema>

export const swapCountsSchema = z.strictObject({
  outBytes: count.describe('KV copied from devices to host memory, on all ranks together'),
  inBytes: count.describe('KV copied back; what the prefix cache still had needs no copy'),
  waitUs: micros.describe('time that steps waited for copies before they computed'),
  savedTokens: count.describe('tokens of the finished requests brought back and not computed again'),
})
export type SwapCounts = z.infer<typeof swapCountsSchema>

/** What is said alike of a run and of one model in it. */
const outcome = {
  requests: requestCountsSchema,
  tokens: tokenCountsSchema,
  ...latencies,
  sloAttainment: share
    .nullable()
    .describe('share of the submitted requests that finished within all their SLOs; null when none was set'),
  goodputPerS: z
    .number()
    .min(0)
    .describe(
      'finished requests per simulated second that met all their SLOs (all finished ones without SLOs)',
    ),
  jain: share
    .nullable()
    .describe(
      "Jain's index of tokens served over the weighted max-min share while a pool was contended, over engines with demand then; null below two engines",
    ),
  weightedWaitUs: micros.describe(
    "sum over the started requests of weight times queue time; a request's weight is its model's times its tenant's",
  ),
  weightedTurnaroundUs: micros.describe(
    'sum over the finished requests of weight times arrival to last token',
  ),
  makespanUs: micros.describe('first arrival to the last end'),
  preemptions: preemptionCountsSchema,
  swap: swapCountsSchema,
}

export const modelSummarySchema = z.strictObject({
  architecture: z.string(),
  weight: z.int().min(1),
  priority: z.number(),
  replicas: count.describe('engines that served it, at any time'),
  ...outcome,
})
export type ModelSummary = z.infer<typeof modelSummarySchema>

export const poolSummarySchema = z.strictObject({
  gpu: z.string(),
  tp: z.int().min(1).describe('GPUs in the group'),
  engines: z.array(z.string()).readonly(),
  bundles: count.describe('bundles of KV memory the pool has'),
  utilisation: share.describe('share of the simulated time in which the group computed'),
  load: z
    .number()
    .min(0)
    .nullable()
    .describe(
      'work that arrived over what the group could have done meanwhile at full batches, an estimate; null for fewer than two requests',
    ),
  queueGrowth: z
    .number()
    .min(0)
    .describe('share of the arriving requests by which the queue grew while they came; 0 when it did not'),
  regime: z
    .enum(['light', 'busy', 'near saturation', 'saturated'])
    .nullable()
    .describe(
      'what load and queue growth come to: how near saturation the group worked, and how its latencies are to be read; null where the load is',
    ),
  kvUtilisation: share.describe('mean share of the bundles with a block in use'),
  peakBundles: count.describe('most bundles in use at once'),
  fragmentation: z.strictObject({
    internal: share.describe('mean share of allocated token slots without a token'),
    bundle: share.describe('mean share of blocks that are free inside bundles in use'),
    pool: share.describe('mean share of the bundles that an engine holds without a block in use'),
    edge: share.describe('mean share of a bundle in use behind its last block: no block crosses an edge'),
  }),
  growth: z.strictObject({
    taken: count.describe('bundles that came into use, each as often as it did'),
    asked: count.describe('bundles that requests for memory brought; for all others nobody was asked'),
  }),
  steps: count,
  stepTokensMean: z.number().min(0).describe('tokens computed per step'),
  stepTimeUs: distributionSchema.describe('time of one forward pass'),
})
export type PoolSummary = z.infer<typeof poolSummarySchema>

export const tenantSummarySchema = z.strictObject({
  weight: z.number().gt(0).describe('what orders gave it'),
  requests: requestCountsSchema.pick({ submitted: true, finished: true, rejected: true, unfinished: true }),
  ttftUs: latencies.ttftUs,
  e2eUs: latencies.e2eUs,
})
export type TenantSummary = z.infer<typeof tenantSummarySchema>

export const summarySchema = z.strictObject({
  version: z.literal(SUMMARY_VERSION),
  scenario: z.string(),
  seed: z.int().min(0),
  policy: policyNameSchema,
  ...outcome,
  simulatedUs: micros.describe('virtual time at the end of the run'),
  wallMs: micros.describe('real time the run took; the only member that differs between equal runs'),
  events: count.describe('events the simulator processed'),
  rounds: count.describe('budget rounds of all pools'),
  interrupted: z.boolean().describe('true when the run was stopped before every request had ended'),
  conditions: z.array(z.string()).readonly().describe('conditions raised, such as guarantees_overcommitted'),
  skippedLines: count.optional().describe('lines of the trace left out (--skip-bad-lines)'),
  faults: faultSummarySchema.optional().describe('what faults did; only where the scenario has some'),
  models: z.record(z.string(), modelSummarySchema),
  tenants: z.record(z.string(), tenantSummarySchema).describe('those that generators name, over all models'),
  pools: z.record(z.string(), poolSummarySchema),
})
export type Summary = z.infer<typeof summarySchema>

/** What a simulation itself can say: it reads no clock and no file. */
export type SimulatedSummary = Omit<Summary, 'wallMs' | 'skippedLines'>
