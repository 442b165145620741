import type { TraceRecord } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { LlmschedTraceFilter } from './llmsched-filter.js'
import { llmschedEvents, llmschedIntegerFields, type LlmschedRecord } from './llmsched-record.js'
import { validateLlmschedTrace } from './llmsched-validator.js'

const enqueue = (ts_us: number, req_id: string): TraceRecord => ({
  ts_us,
  event: 'enqueue',
  req_id,
  tokens_requested: 30,
  model: 'm',
  engine: 'm/0',
  prompt_tokens: 10,
  priority: 0,
})
const schedule = (ts_us: number, req_id: string): TraceRecord => ({
  ts_us,
  event: 'schedule',
  req_id,
  batch_id: 3,
  kv_alloc_bytes: 4_096,
  engine: 'm/0',
  prefix_hit_tokens: 0,
  resumed: false,
})
const decode = (ts_us: number, req_id: string, step: number): TraceRecord => ({
  ts_us,
  event: 'decode',
  req_id,
  step,
  latency_us: 20_000,
  batch_id: 4,
  engine: 'm/0',
  tokens: 1,
})
const complete = (ts_us: number, req_id: string): TraceRecord => ({
  ts_us,
  event: 'complete',
  req_id,
  total_tokens: 2,
  engine: 'm/0',
  finish: 'length',
  queue_us: 1,
  ttft_us: 2,
  e2e_us: 3,
  preemptions: 0,
})
const reject = (ts_us: number, req_id: string): TraceRecord => ({
  ts_us,
  event: 'reject',
  req_id,
  reason: 'prompt_exceeds_context',
  detail: '',
})
const join: TraceRecord = { ts_us: 0, event: 'join', req_id: '', pool: 'p', engine: 'm/0', model: 'm' }

function filtered(records: readonly TraceRecord[]): { out: LlmschedRecord[]; leftOut: number } {
  const out: LlmschedRecord[] = []
  const filter = new LlmschedTraceFilter((record) => out.push(record))
  for (const record of records) filter.record(record)
  filter.close()
  return { out, leftOut: filter.leftOut }
}

const judged = (records: readonly LlmschedRecord[]) =>
  validateLlmschedTrace(records.map((record) => JSON.stringify(record)))

describe('the LLMSched filter', () => {
  it('lets through the five events with their ten fields and nothing of ours', () => {
    const { out } = filtered([
      join,
      enqueue(1, 'a'),
      schedule(2, 'a'),
      decode(9, 'a', 1),
      complete(9, 'a'),
      enqueue(9, 'b'),
      reject(9, 'b'),
    ])
    expect(out).toEqual([
      { ts_us: 1, event: 'enqueue', req_id: 'a', tokens_requested: 30 },
      { ts_us: 2, event: 'schedule', req_id: 'a', batch_id: 3, kv_alloc_bytes: 4_096 },
      { ts_us: 9, event: 'decode', req_id: 'a', batch_id: 4, step: 1, latency_us: 20_000 },
      { ts_us: 9, event: 'complete', req_id: 'a', total_tokens: 2 },
      { ts_us: 9, event: 'enqueue', req_id: 'b', tokens_requested: 30 },
      { ts_us: 9, event: 'reject', req_id: 'b', reason: 'prompt_exceeds_context' },
    ])
  })

  it('moves a second decode of the same microsecond, so that its latency is not lost, and keeps times in order', () => {
    const { out } = filtered([
      enqueue(0, 'a'),
      decode(5, 'a', 1),
      decode(5, 'a', 2),
      enqueue(5, 'b'),
      complete(8, 'a'),
      complete(8, 'b'),
    ])
    expect(out.map((record) => record.ts_us)).toEqual([0, 5, 6, 6, 8, 8])
    expect(judged(out).problems).toEqual([])
  })

  it('rejects what is still open at the end as unfinished', () => {
    const { out } = filtered([enqueue(0, 'a'), schedule(4, 'a')])
    expect(out.at(-1)).toEqual({ ts_us: 4, event: 'reject', req_id: 'a', reason: 'unfinished' })
  })

  it('leaves out what has no place: a second end, an event before the enqueue or after the end', () => {
    const { out, leftOut } = filtered([
      schedule(0, 'x'),
      enqueue(1, 'a'),
      complete(2, 'a'),
      reject(3, 'a'),
      decode(4, 'a', 9),
      enqueue(5, 'a'),
    ])
    expect(out.map((record) => record.event)).toEqual(['enqueue', 'complete'])
    expect(leftOut).toBe(4)
  })

  for (let seed = 1; seed <= 25; seed++) {
    it(`makes any order of events pass the validator (seed ${seed})`, () => {
      const rng = new SeededRng(seed, 'llmsched')
      const makers = [enqueue, schedule, (ts: number, id: string) => decode(ts, id, 1), complete, reject]
      let now = 0
      const records = Array.from({ length: 300 }, () => {
        now += rng.int(3)
        return makers[rng.int(makers.length)](now, `r${rng.int(40)}`)
      })
      const { out } = filtered(records)
      const verdict = judged(out)
      expect(verdict.problems).toEqual([])
      expect(verdict.records).toBe(out.length)
      for (let i = 1; i < out.length; i++) expect(out[i].ts_us).toBeGreaterThanOrEqual(out[i - 1].ts_us)
      const known = new Set<string>(['ts_us', 'event', 'req_id', 'reason', ...llmschedIntegerFields])
      for (const record of out) expect(Object.keys(record).filter((key) => !known.has(key))).toEqual([])
    })
  }
})

describe('the LLMSched validator', () => {
  const kinds = (...lines: string[]) => validateLlmschedTrace(lines).problems.map((problem) => problem.kind)
  const line = (event: string, ts_us: number, more: object = {}) =>
    JSON.stringify({ ts_us, event, req_id: 'a', ...more })
  const good = [line('enqueue', 0, { tokens_requested: 5 }), line('complete', 9, { total_tokens: 2 })]

  it('accepts blank lines and unknown keys', () => {
    expect(kinds(...good, '', '   ')).toEqual([])
    expect(kinds(line('enqueue', 0, { colour: 'red' }), line('complete', 1))).toEqual([])
  })

  it('counts records and requests', () => {
    expect(validateLlmschedTrace(good)).toEqual({ records: 2, requests: 1, problems: [], problemCount: 0 })
  })

  it('knows the five events and no other', () => {
    for (const event of llmschedEvents) expect(kinds(line(event, 1))).not.toContain('unknown_event')
    expect(kinds(...good, line('preempt', 1))).toEqual(['unknown_event'])
    expect(kinds(...good, '{"ts_us":1}')).toEqual(['unknown_event'])
  })

  it('finds a request without an enqueue, without an end, and with both ends', () => {
    expect(kinds(line('complete', 1))).toEqual(['missing_enqueue'])
    expect(kinds(line('enqueue', 1))).toEqual(['no_terminal_event'])
    expect(kinds(...good, line('reject', 10))).toEqual(['completed_and_rejected'])
  })

  it('finds records that the consumer would take for one, and times that fall', () => {
    expect(kinds(...good, line('decode', 5), line('decode', 5))).toEqual(['duplicate'])
    expect(kinds(...good, line('decode', 5), line('decode', 4))).toEqual(['time_not_rising'])
    expect(kinds(...good, line('decode', 5), line('schedule', 5))).toEqual([])
  })

  it('finds fields of the wrong type and says which', () => {
    expect(
      validateLlmschedTrace(['{"ts_us":"1","event":"enqueue","req_id":7,"step":1.5,"reason":3}']).problems,
    ).toEqual([
      { kind: 'bad_field', line: 1, field: 'ts_us', found: '"1"' },
      { kind: 'bad_field', line: 1, field: 'step', found: '1.5' },
      { kind: 'bad_field', line: 1, field: 'req_id', found: '7' },
      { kind: 'bad_field', line: 1, field: 'reason', found: '3' },
    ])
    expect(kinds('[1]', 'nonsense')).toEqual(['not_json', 'not_json'])
  })

  it('takes records without a request id as one request, as the consumer does', () => {
    expect(kinds('{"ts_us":0,"event":"enqueue"}', '{"ts_us":1,"event":"reject"}')).toEqual([])
  })

  it('keeps at most as many problems as asked for, and counts all', () => {
    const lines = Array.from({ length: 50 }, () => 'nonsense')
    const verdict = validateLlmschedTrace(lines, { maxProblems: 3 })
    expect([verdict.problems.length, verdict.problemCount]).toEqual([3, 50])
  })
})
