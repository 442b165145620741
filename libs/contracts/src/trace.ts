import { z } from 'zod'
import {
  type DonationClass,
  denialReasonSchema,
  donationClassSchema,
  preemptionOutcomeSchema,
} from './outcome.js'

/**
 * The lines of `trace.jsonl`. The first five events carry the ten fields of the LLMSched trace (`ts_us event req_id
 * tokens_requested batch_id kv_alloc_bytes step latency_us total_tokens reason`) with their meaning there; what
 * else they carry, and every other event, is Kvasir's own behind the same envelope. Names are snake_case because
 * they are the consumer's. Times are whole microseconds from the start of the run.
 */
interface Envelope {
  readonly ts_us: number
  /** Empty for events that concern no single request. */
  readonly req_id: string
}

/** A request arrived at the engine that its model's dispatcher chose. */
export interface EnqueueRecord extends Envelope {
  readonly event: 'enqueue'
  /** Prompt plus the most it may produce. */
  readonly tokens_requested: number
  readonly model: string
  /** Empty when the model had no replica: a `reject` follows. */
  readonly engine: string
  readonly prompt_tokens: number
  readonly priority: number
}

/** A request entered the running batch, first or again after a preemption; of several, the last one counts. */
export interface ScheduleRecord extends Envelope {
  readonly event: 'schedule'
  /** Step of the engine in which it joined. */
  readonly batch_id: number
  /** KV memory of its block table on all ranks together. */
  readonly kv_alloc_bytes: number
  readonly engine: string
  /** Prompt tokens found in the prefix cache. */
  readonly prefix_hit_tokens: number
  /** True when it had been preempted before. */
  readonly resumed: boolean
}

/** Output tokens of one sequence: a run of steps, or a single one with `--trace-detail step`. */
export interface DecodeRecord extends Envelope {
  readonly event: 'decode'
  /** Ordinal of the run's last output token, from 1. */
  readonly step: number
  /** Sum over the run of the time from one token to the next; the first token counts from `schedule`. */
  readonly latency_us: number
  readonly batch_id: number
  readonly engine: string
  /** Output tokens in the run. */
  readonly tokens: number
}

export interface CompleteRecord extends Envelope {
  readonly event: 'complete'
  /** Output tokens. */
  readonly total_tokens: number
  readonly engine: string
  readonly finish: 'stop' | 'length'
  readonly queue_us: number
  readonly ttft_us: number
  readonly e2e_us: number
  readonly preemptions: number
}

export interface RejectRecord extends Envelope {
  readonly event: 'reject'
  readonly reason: string
  readonly detail: string
}

/** A sequence was stopped and its KV given up. */
export interface PreemptRecord extends Envelope {
  readonly event: 'preempt'
  readonly engine: string
  /**
   * `local`: for its own engine. `lease`: because the lease shrank. Else the preemption request it was stopped for.
   */
  readonly cause: string
  /** Tokens that must be computed again. */
  readonly lost_tokens: number
}

/** What one engine got in one round. */
export interface BudgetRecord extends Envelope {
  readonly event: 'budget'
  readonly pool: string
  readonly engine: string
  readonly round: number
  readonly demand_tokens: number
  readonly tokens: number
  readonly lent_tokens: number
  readonly ideal_tokens: number
}

/** An engine's lease changed. */
export interface LeaseRecord extends Envelope {
  readonly event: 'lease'
  readonly pool: string
  readonly engine: string
  readonly epoch: number
  readonly bundles: number
  readonly in_use_bundles: number
}

export interface MembershipRecord extends Envelope {
  readonly event: 'join' | 'leave'
  readonly pool: string
  readonly engine: string
  readonly model: string
}

export interface PreemptionRequestRecord extends Envelope {
  readonly event: 'preemption_request'
  readonly pool: string
  readonly engine: string
  readonly request: string
  readonly bundles: number
  readonly min_bundles: number
  readonly priority: number
}

/** `planned` names the donors that were told to release; the end follows as a record of its own. */
export interface PreemptionOutcomeRecord extends Envelope {
  readonly event: 'preemption_outcome'
  readonly pool: string
  readonly engine: string
  readonly request: string
  readonly outcome: 'planned' | 'granted' | 'granted_partial' | 'denied' | 'expired'
  readonly reason: string | null
  readonly bundles: number
  readonly donors: readonly {
    readonly engine: string
    readonly bundles: number
    readonly cost_us: number
    readonly class: DonationClass
  }[]
  readonly explanation: string
}

export type RequestTraceRecord = EnqueueRecord | ScheduleRecord | DecodeRecord | CompleteRecord | RejectRecord

export type TraceRecord =
  | RequestTraceRecord
  | PreemptRecord
  | BudgetRecord
  | LeaseRecord
  | MembershipRecord
  | PreemptionRequestRecord
  | PreemptionOutcomeRecord

export const traceDetails = ['run', 'step'] as const
/** Whether a `decode` record covers a run of steps of one sequence or each one. */
export type TraceDetail = (typeof traceDetails)[number]

const count = z.int().min(0)
const engine = z.string()
const pool = z.string().min(1)
const envelope = <Event extends string>(event: Event) => ({
  ts_us: count,
  event: z.literal(event),
  req_id: z.string(),
})
const membership = { pool, engine: z.string().min(1), model: z.string().min(1) }
const donor = z.strictObject({
  engine: z.string().min(1),
  bundles: z.int().min(1),
  cost_us: z.number().min(0),
  class: donationClassSchema,
})

/** Checks one parsed line of a trace; writers rely on the types above, tests and importers on this. */
export const traceRecordSchema = z.discriminatedUnion('event', [
  z.strictObject({
    ...envelope('enqueue'),
    tokens_requested: z.int().min(1),
    model: z.string().min(1),
    engine,
    prompt_tokens: z.int().min(1),
    priority: z.number(),
  }),
  z.strictObject({
    ...envelope('schedule'),
    batch_id: count,
    kv_alloc_bytes: count,
    engine,
    prefix_hit_tokens: count,
    resumed: z.boolean(),
  }),
  z.strictObject({
    ...envelope('decode'),
    step: z.int().min(1),
    latency_us: count,
    batch_id: count,
    engine,
    tokens: z.int().min(1),
  }),
  z.strictObject({
    ...envelope('complete'),
    total_tokens: count,
    engine,
    finish: z.enum(['stop', 'length']),
    queue_us: count,
    ttft_us: count,
    e2e_us: count,
    preemptions: count,
  }),
  z.strictObject({ ...envelope('reject'), reason: z.string().min(1), detail: z.string() }),
  z.strictObject({ ...envelope('preempt'), engine, cause: z.string().min(1), lost_tokens: count }),
  z.strictObject({
    ...envelope('budget'),
    pool,
    engine,
    round: count,
    demand_tokens: count,
    tokens: count,
    lent_tokens: count,
    ideal_tokens: z.number().min(0),
  }),
  z.strictObject({
    ...envelope('lease'),
    pool,
    engine,
    epoch: count,
    bundles: count,
    in_use_bundles: count,
  }),
  z.strictObject({ ...envelope('join'), ...membership }),
  z.strictObject({ ...envelope('leave'), ...membership }),
  z.strictObject({
    ...envelope('preemption_request'),
    pool,
    engine,
    request: z.string().min(1),
    bundles: z.int().min(1),
    min_bundles: z.int().min(1),
    priority: z.number(),
  }),
  z.strictObject({
    ...envelope('preemption_outcome'),
    pool,
    engine,
    request: z.string().min(1),
    outcome: z.enum(['planned', ...preemptionOutcomeSchema.options.map((option) => option.shape.kind.value)]),
    reason: z.union([denialReasonSchema, z.literal('cancelled')]).nullable(),
    bundles: count,
    donors: z.array(donor).readonly(),
    explanation: z.string(),
  }),
])
