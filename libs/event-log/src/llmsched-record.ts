/**
 * A line of an LLMSched `trace.jsonl` as its published consumer (Trace2Train) reads it: ten fields, five events, nothing
 * else. Recovered from the consumer's schema, loader, normaliser and validator. Names are the consumer's.
 */
export const llmschedEvents = ['enqueue', 'schedule', 'decode', 'complete', 'reject'] as const
export type LlmschedEvent = (typeof llmschedEvents)[number]

export interface LlmschedRecord {
  readonly ts_us: number
  readonly event: LlmschedEvent
  readonly req_id: string
  /** On `enqueue`: tokens the request may need. */
  readonly tokens_requested?: number
  /** On `schedule` and `decode`. */
  readonly batch_id?: number
  /** On `schedule`; the last one of a request counts. */
  readonly kv_alloc_bytes?: number
  /** On `decode`. */
  readonly step?: number
  /** On `decode`; the consumer adds them up to the request's latency. */
  readonly latency_us?: number
  /** On `complete`: tokens produced. */
  readonly total_tokens?: number
  /** On `reject`. */
  readonly reason?: string
}

export const llmschedIntegerFields = [
  'tokens_requested',
  'batch_id',
  'kv_alloc_bytes',
  'step',
  'latency_us',
  'total_tokens',
] as const
