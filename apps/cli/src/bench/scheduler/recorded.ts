/** What we read of `golden/vllm/bench.json`: the speed of the recorded scheduler, in Python. The README beside it says how. */
export interface Recorded {
  readonly decode: readonly DecodeRecord[]
  readonly end_to_end: readonly EndToEndRecord[]
}

export interface DecodeRecord {
  readonly batch: number
  readonly prefix_caching: boolean
  readonly log_stats: boolean
  readonly total_us_mean: number
}

export interface EndToEndRecord {
  readonly case: string
  readonly requests: number
  /** Request construction with hashing, and all calls of the scheduler; not the fake model. */
  readonly scheduler_s: number
}

/** Milliseconds of the engine the 1,000-request workload comes from, medians (`llm-inference-engine-1000.json`). */
export const RECORDED_BURST_MS = { 1_000: 926.248, 10_000: 152_112.286 } as const
