import type { RequestTraceRecord, TraceRecord } from '@kvasir/contracts'
import { type LlmschedEvent, llmschedEvents, type LlmschedRecord } from './llmsched-record.js'

/** Reason of the `reject` that ends a request which the run did not. */
export const UNFINISHED_REASON = 'unfinished'

const ENDED = 'ended'
/** Per open request: the last time stamp of each event, in the order of `llmschedEvents`; -1 for none. */
type OpenRequest = number[]

/**
 * Turns our trace into one that LLMSched's consumer accepts without an error, however ours came about:
 *
 * - only its five events and ten fields are let through;
 * - times never fall, and rise strictly within (event, request): the consumer takes two records with the same (time, event,
 *   request) for one and would lose a latency. A record that would collide is moved by a microsecond, and those after it
 *   with it as far as needed;
 * - every request begins with `enqueue` and has one end: what follows an end is left out, and what is still open when the
 *   trace ends is rejected as `unfinished`.
 *
 * Memory: one entry a request, small once it has ended.
 */
export class LlmschedTraceFilter {
  readonly #emit: (record: LlmschedRecord) => void
  readonly #requests = new Map<string, OpenRequest | typeof ENDED>()
  #lastUs = 0
  #leftOut = 0

  constructor(emit: (record: LlmschedRecord) => void) {
    this.#emit = emit
  }

  record(record: TraceRecord): void {
    if (!isRequestRecord(record)) return
    const request = this.#requests.get(record.req_id)
    const opens = record.event === 'enqueue'
    if (request === ENDED || opens === (request !== undefined)) {
      this.#leftOut++
      return
    }
    const times = request ?? llmschedEvents.map(() => -1)
    const bare = bareRecord(record, this.#stamp(times, record.event, record.ts_us))
    const ends = record.event === 'complete' || record.event === 'reject'
    if (ends) this.#requests.set(record.req_id, ENDED)
    else if (opens) this.#requests.set(record.req_id, times)
    this.#emit(bare)
  }

  /** Rejects what is still open, in order of arrival. */
  close(): void {
    for (const [id, request] of this.#requests) {
      if (request === ENDED) continue
      this.#requests.set(id, ENDED)
      this.#emit({ ts_us: this.#lastUs, event: 'reject', req_id: id, reason: UNFINISHED_REASON })
    }
  }

  /** Request records that had no place in the life of their request: before its `enqueue`, after its end, or a second `enqueue`. */
  get leftOut(): number {
    return this.#leftOut
  }

  #stamp(times: OpenRequest, event: LlmschedEvent, ownUs: number): number {
    const index = llmschedEvents.indexOf(event)
    const stampUs = Math.max(ownUs, this.#lastUs, times[index] + 1)
    times[index] = stampUs
    this.#lastUs = stampUs
    return stampUs
  }
}

function isRequestRecord(record: TraceRecord): record is RequestTraceRecord {
  return llmschedEvents.some((event) => event === record.event)
}

/** The record without what is ours alone. */
function bareRecord(record: RequestTraceRecord, ts_us: number): LlmschedRecord {
  const envelope = { ts_us, event: record.event, req_id: record.req_id }
  switch (record.event) {
    case 'enqueue':
      return { ...envelope, tokens_requested: record.tokens_requested }
    case 'schedule':
      return { ...envelope, batch_id: record.batch_id, kv_alloc_bytes: record.kv_alloc_bytes }
    case 'decode':
      return { ...envelope, batch_id: record.batch_id, step: record.step, latency_us: record.latency_us }
    case 'complete':
      return { ...envelope, total_tokens: record.total_tokens }
    case 'reject':
      return { ...envelope, reason: record.reason }
  }
}
