import type { Micros, Tokens } from '@kvasir/kernel'
import type { OrderPolicy } from './order-policies.js'
import type { PredictorName } from './output-predictor.js'
import type { PreemptionMethod } from './return-cost.js'
import type { VictimPolicy } from './victim-policies.js'

/** How one engine schedules. Plain data: it comes from a profile and is fixed for the engine's life. */
export interface SchedulerConfig {
  /** Most tokens one step computes. */
  readonly stepTokenLimit: Tokens
  /** Most tokens of one step for sequences that are not decoding (more than one token outstanding); 0 = no such limit. */
  readonly prefillTokenLimit: Tokens
  /** Most sequences admitted at once. */
  readonly sequenceLimit: number
  /** Most tokens of a sequence, prompt and outputs together. A longer output is cut off with reason `length`. */
  readonly contextLimit: Tokens
  /** Whether a prompt may be computed in pieces over several steps. */
  readonly chunkedPrefill: boolean
  /** Longest piece of one sequence in one step; 0 = no such limit. */
  readonly longPrefillThreshold: Tokens
  readonly prefixCaching: boolean
  /** Share of the pool's blocks that admissions leave free while something runs, for the running ones to grow into. */
  readonly watermark: number
  /** Whether a sequence is admitted only when all its present tokens fit, not just its first chunk. */
  readonly reserveFullSequence: boolean
  readonly order: OrderPolicy
  /** How much waiting makes up for: see `order-policies.ts`. 0 = waiting never improves a sequence's place. */
  readonly agingPerUs: number
  /** Whether the head of the queue may displace a running sequence that the order places behind it. Not for `fcfs` and `fair`. */
  readonly preemptive: boolean
  /** How long the orders by service time expect an output to be. */
  readonly predictor: PredictorName
  /** Of predictor `learned`: the share of the outputs that are no longer than it says, above 0 and at most 1. */
  readonly predictorQuantile: number
  readonly victim: VictimPolicy
  /** What becomes of a stopped sequence's KV, as far as the engine has host memory. */
  readonly preemption: PreemptionMethod
  /** Whether a victim may be of higher priority than the sequence it is stopped for. True only to reproduce recorded behaviour. */
  readonly victimsMayOutrank: boolean
  /** Most sequences waiting; 0 = no limit. */
  readonly queueLimit: number
  /** Whether a sequence that has not begun to run is ended when its deadline cannot be met any more, instead of waiting on. */
  readonly shedUnreachable: boolean
  /** Refuse what can never run. False only to reproduce recorded behaviour, in which such a sequence waits for ever. */
  readonly refuseImpossible: boolean
  /**
   * What becomes of blocks registered for a sequence that the same step then stops (victim `lowest-priority`): true leaves them
   * in the prefix cache, as recorded, though nobody computes them, so that a later hit reads garbage. True only to reproduce that.
   */
  readonly keepTakenBack: boolean
}

/**
 * vLLM V1's rules, as recorded in `golden/vllm`, with its server's defaults on a large GPU: 8,192 step tokens and 1,024
 * sequences (vllm/engine/arg_utils.py, `get_batch_defaults`: H100-class GPUs, API server), chunked prefill, prefix caching,
 * whole sequences reserved, no watermark. The context is the model's: profiles replace it.
 */
export const defaultSchedulerConfig: SchedulerConfig = {
  stepTokenLimit: 8_192,
  prefillTokenLimit: 0,
  sequenceLimit: 1_024,
  contextLimit: 131_072,
  chunkedPrefill: true,
  longPrefillThreshold: 0,
  prefixCaching: true,
  watermark: 0,
  reserveFullSequence: true,
  order: 'fcfs',
  agingPerUs: 0,
  preemptive: false,
  predictor: 'max-tokens',
  predictorQuantile: 0.5,
  victim: 'latest',
  preemption: 'recompute',
  victimsMayOutrank: false,
  queueLimit: 0,
  shedUnreachable: false,
  refuseImpossible: true,
  keepTakenBack: false,
}

/**
 * The step semantics of the continuous-batching engine whose 1,000-request benchmark is in the shared data
 * (`llm-inference-engine-1000.json`): a fixed number of batch slots, a token limit for prefill alone, decodes always, one slot a
 * sequence. With its own settings (32 slots, 512 prefill tokens) every request gets its first and last token in the same step.
 */
export function slotBatchingConfig(options: { slots: number; prefillTokens: number }): SchedulerConfig {
  return {
    ...defaultSchedulerConfig,
    stepTokenLimit: options.slots + options.prefillTokens,
    prefillTokenLimit: options.prefillTokens,
    sequenceLimit: options.slots,
    prefixCaching: false,
  }
}

/** What it costs to bring a stopped sequence back; from the engine's cost model. */
export interface SequenceCosts {
  recomputeUs(tokens: Tokens): Micros
  /** Out and in again; Infinity where there is nowhere to swap to. */
  swapUs(blocks: number): Micros
  /** So many output tokens, one after another; when absent, each costs what recomputing one token does. */
  outputUs?(tokens: Tokens): Micros
}

/** For engines without a cost model: every token recomputed costs the same, and nothing is swapped. */
export const tokenCosts: SequenceCosts = {
  recomputeUs: (tokens: number) => tokens,
  swapUs: () => Infinity,
}
