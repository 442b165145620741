/**
 * A recorded case of the vLLM V1 scheduler, as parsed from its file: `golden/vllm/README.md` (format 1) explains every field.
 * Only what the replay reads is named here.
 */
export interface GoldenCase {
  readonly format: number
  readonly name: string
  readonly level: 'full' | 'compact'
  readonly config: GoldenConfig
  readonly requests: readonly GoldenRequest[]
  /** Sorted by step. */
  readonly aborts: readonly { readonly step: number; readonly id: string }[]
  readonly expect: GoldenExpectation
}

export interface GoldenConfig {
  /** Including the null block 0. */
  readonly num_gpu_blocks: number
  readonly block_size: number
  readonly max_num_batched_tokens: number
  readonly max_num_seqs: number
  readonly max_model_len: number
  readonly enable_chunked_prefill: boolean
  readonly long_prefill_token_threshold: number
  readonly enable_prefix_caching: boolean
  readonly policy: 'fcfs' | 'priority'
  readonly watermark: number
  readonly reserve_full_isl: boolean
  readonly max_steps: number
}

/** `p`: a made-up prompt; `o`: the first outputs of another request. */
export type PromptSegment = readonly [kind: 'p' | 'o', a: number, n: number]

export interface GoldenRequest {
  readonly id: string
  readonly prompt: readonly PromptSegment[]
  readonly prompt_len: number
  readonly max_tokens: number
  readonly arrival_step: number
  readonly arrival_time: number
  /** Smaller runs first. */
  readonly priority: number
  readonly eos_after?: number | null
}

export interface GoldenExpectation {
  readonly digest: string
  readonly block_digest: string
  readonly totals: GoldenTotals
  readonly request_columns: readonly string[]
  readonly requests: readonly (readonly (string | number | null)[])[]
  readonly step_columns?: readonly string[]
  readonly steps: readonly (GoldenStep | readonly (string | number)[])[]
}

export interface GoldenTotals {
  readonly steps: number
  readonly end: string
  readonly last_step: number
  readonly scheduled_tokens: number
  readonly output_tokens: number
  readonly preemptions: number
  readonly hit_tokens: number
  readonly peak_running: number
  readonly peak_used_blocks: number
  readonly final_free_queue_sha256: string
}

/** A step of a case of level `full`. */
export interface GoldenStep {
  readonly s: number
  readonly add: readonly string[]
  readonly abort: readonly string[]
  readonly sched: readonly (readonly [id: string, kind: string, n: number, computed: number])[]
  readonly preempt: readonly string[]
  readonly fin: readonly (readonly [id: string, reason: string, outputs: number])[]
  readonly free: readonly [afterSchedule: number, afterUpdate: number]
  readonly run: readonly string[]
  readonly wait: readonly string[]
  readonly blocks: readonly (readonly [id: string, blocks: readonly number[]])[]
}
