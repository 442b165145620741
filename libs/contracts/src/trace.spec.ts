import { describe, expect, it } from 'vitest'
import { type TraceRecord, traceRecordSchema } from './trace.js'

const records: readonly TraceRecord[] = [
  {
    ts_us: 0,
    event: 'enqueue',
    req_id: 'a',
    tokens_requested: 30,
    model: 'chat',
    engine: 'chat-0',
    prompt_tokens: 20,
    priority: 0,
  },
  {
    ts_us: 5,
    event: 'schedule',
    req_id: 'a',
    batch_id: 1,
    kv_alloc_bytes: 4096,
    engine: 'chat-0',
    prefix_hit_tokens: 0,
    resumed: false,
  },
  {
    ts_us: 9,
    event: 'decode',
    req_id: 'a',
    step: 10,
    latency_us: 4,
    batch_id: 10,
    engine: 'chat-0',
    tokens: 10,
  },
  {
    ts_us: 9,
    event: 'complete',
    req_id: 'a',
    total_tokens: 10,
    engine: 'chat-0',
    finish: 'length',
    queue_us: 5,
    ttft_us: 6,
    e2e_us: 9,
    preemptions: 0,
  },
  {
    ts_us: 9,
    event: 'preemption_outcome',
    req_id: '',
    pool: 'p0',
    engine: 'chat-0',
    request: 'chat-0/1/1',
    outcome: 'denied',
    reason: 'cooldown',
    bundles: 0,
    donors: [],
    explanation: 'because',
  },
  { ts_us: 9, event: 'leave', req_id: '', pool: 'p0', engine: 'chat-0', model: 'chat' },
]

describe('traceRecordSchema', () => {
  it.each(records.map((record) => [record.event, record] as const))(
    'accepts a %s record',
    (_event, record) => {
      expect(traceRecordSchema.parse(record)).toEqual(record)
    },
  )

  it('refuses an unknown event and an unknown field', () => {
    expect(traceRecordSchema.safeParse({ ...records[0], event: 'nothing' }).success).toBe(false)
    expect(traceRecordSchema.safeParse({ ...records[0], extra: 1 }).success).toBe(false)
  })
})
