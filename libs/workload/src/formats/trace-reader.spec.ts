import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RequestRecord } from '../request.js'
import { describeProblem } from './problem.js'
import { describeCounts } from './read-counts.js'
import { TRACE_FORMATS } from './format-names.js'
import { sniffFormat } from './sniff.js'
import { createTraceReader, parseTrace, type TraceReaderOptions } from './trace-reader.js'

/** One small file per format; values invented in the published layout. */
const FILES = {
  'azure-2023':
    'TIMESTAMP,ContextTokens,GeneratedTokens\n' +
    '2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n',
  'azure-2024':
    'TIMESTAMP,ContextTokens,GeneratedTokens\n' +
    '2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01+00:00,2399,6\n',
  normalised: 't_s,prompt_tokens,output_tokens\n0.0,374,44\n4.314579,396,109\n',
  burstgpt:
    'Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n' +
    '5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,230,1317,API log\n',
  servegen:
    't_s,model,client,prompt_tokens,output_tokens,pooled_len\n' +
    '0.0,deepseek-r1,deepseek-r1/c23,197,582,0\n0.002,m-large,m-large/c1,212,614,1\n',
  arena: 't_s,model,prompt_tokens,output_tokens\n0.0,arena-13,13,199\n0.207938,arena-02,36,137\n',
  mooncake:
    '{"timestamp": 27482, "input_length": 1000, "output_length": 52, "hash_ids": [46, 47]}\n' +
    '{"timestamp": 30535, "input_length": 512, "output_length": 26, "hash_ids": [46]}\n',
  llmsched:
    '{"id":"a","arrival_ms":1.5,"model":"Qwen3-8B","prompt_tokens":7,"max_new_tokens":3,"priority":2,' +
    '"deadline_ms":900,"session_id":"s"}\n' +
    '{"id":8,"arrival":2,"prompt":"twelve chars","max_new_tokens":4}\n',
  kvasir:
    '{"format":"kvasir-requests","version":1}\n' +
    '{"id":"k1","arrival_us":10,"prompt_tokens":600,"output_tokens":1,"priority":-1,"tenant":"t",' +
    '"deadline_us":99,"prefix_blocks":[4,5],"prefix_block_tokens":512}\n' +
    '{"arrival_us":11,"prompt_tokens":1,"output_tokens":2}\n',
} as const

const EMPTY: RequestRecord = {
  id: '',
  arrivalUs: 0,
  model: undefined,
  promptTokens: 0,
  outputTokens: 0,
  priority: 0,
  tenant: undefined,
  deadlineUs: undefined,
  session: undefined,
  prefixBlocks: undefined,
  prefixBlockTokens: 0,
}

function records(text: string, options: TraceReaderOptions = {}): readonly RequestRecord[] {
  const batch = parseTrace(text, options)
  if (batch.kind === 'failed') throw new Error(describeProblem(batch.problem))
  return batch.rows
}

function problemOf(text: string, options: TraceReaderOptions = {}): string {
  const batch = parseTrace(text, options)
  return batch.kind === 'failed' ? describeProblem(batch.problem) : 'no problem'
}

describe('the readers', () => {
  it.each(TRACE_FORMATS)('recognise %s from its beginning', (format) => {
    expect(sniffFormat(FILES[format])).toBe(format)
    const reader = createTraceReader()
    reader.push(FILES[format])
    expect(reader.format).toBe(format)
  })

  it('read azure-2023 and azure-2024, the first row being the start', () => {
    expect(records(FILES['azure-2023'])).toEqual([
      { ...EMPTY, id: 'r1', arrivalUs: 0, promptTokens: 4808, outputTokens: 10 },
      { ...EMPTY, id: 'r2', arrivalUs: 52_000, promptTokens: 3180, outputTokens: 8 },
    ])
    expect(records(FILES['azure-2024']).map((record) => record.arrivalUs)).toEqual([0, 990_070])
  })

  it('read normalised, arena and servegen columns, the client being the tenant', () => {
    expect(records(FILES.normalised)[1]).toEqual({
      ...EMPTY,
      id: 'r2',
      arrivalUs: 4_314_579,
      promptTokens: 396,
      outputTokens: 109,
    })
    expect(records(FILES.arena)[1]).toMatchObject({
      model: 'arena-02',
      tenant: undefined,
      arrivalUs: 207_938,
    })
    expect(records(FILES.servegen)[1]).toMatchObject({
      model: 'm-large',
      tenant: 'm-large/c1',
      promptTokens: 212,
    })
  })

  it('read burstgpt with and without its newer columns, and leave failed requests out', () => {
    expect(records(FILES.burstgpt).map(({ arrivalUs, model }) => [arrivalUs, model])).toEqual([
      [0, 'ChatGPT'],
      [40_000_000, 'GPT-4'],
    ])
    const newer =
      'Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n' +
      '7,12,1.5,ChatGPT,10,20,30,Conversation log\n8,,0.1,ChatGPT,0,0,0,Conversation log\n9,,0.1,ChatGPT,4,0,4,API log\n'
    const reader = createTraceReader()
    expect(reader.push(newer).rows).toEqual([
      { ...EMPTY, id: 'r1', model: 'ChatGPT', promptTokens: 10, outputTokens: 20, session: '12' },
    ])
    expect(reader.counts.skippedByRule).toBe(2)
    expect(describeCounts(reader.counts)).toEqual(['2 failed requests without tokens left out'])
  })

  it('read mooncake as published and normalised, with its prefix blocks', () => {
    const normalised = '{"t_ms":0,"prompt_tokens":6,"output_tokens":5,"hash_ids":[3]}\n'
    expect(records(normalised)).toEqual([
      { ...EMPTY, id: 'r1', promptTokens: 6, outputTokens: 5, prefixBlocks: [3], prefixBlockTokens: 512 },
    ])
    expect(records(FILES.mooncake)[0]).toMatchObject({ arrivalUs: 27_482_000, prefixBlocks: [46, 47] })
  })

  it('read llmsched in its spellings and estimate the tokens of a text', () => {
    const reader = createTraceReader()
    const { rows } = reader.push(FILES.llmsched)
    expect(rows).toEqual([
      {
        ...EMPTY,
        id: 'a',
        arrivalUs: 1_500,
        model: 'Qwen3-8B',
        promptTokens: 7,
        outputTokens: 3,
        priority: 2,
        deadlineUs: 900_000,
        session: 's',
      },
      { ...EMPTY, id: '8', arrivalUs: 2_000_000, promptTokens: 3, outputTokens: 4 },
    ])
    expect(reader.counts.estimatedPrompts).toBe(1)
    const seed =
      '{"id": "bench-00000", "arrival_ms": 0, "arrival_step": 0, "prompt_len": 45, "max_new_tokens": 8}'
    expect(records(seed)).toEqual([{ ...EMPTY, id: 'bench-00000', promptTokens: 45, outputTokens: 8 }])
    const list = '{"id":"x","arrival_s":0.25,"prompt":[5,6,7],"max_new_tokens":1,"prefix_id":"p"}'
    expect(records(list)[0]).toMatchObject({ arrivalUs: 250_000, promptTokens: 3, session: 'p' })
  })

  it("read Kvasir's own records with and without the version line", () => {
    expect(records(FILES.kvasir)).toEqual([
      {
        ...EMPTY,
        id: 'k1',
        arrivalUs: 10,
        promptTokens: 600,
        outputTokens: 1,
        priority: -1,
        tenant: 't',
        deadlineUs: 99,
        prefixBlocks: [4, 5],
        prefixBlockTokens: 512,
      },
      { ...EMPTY, id: 'r2', arrivalUs: 11, promptTokens: 1, outputTokens: 2 },
    ])
    const bare = FILES.kvasir.slice(FILES.kvasir.indexOf('\n') + 1)
    expect(records(bare)).toEqual(records(FILES.kvasir))
  })

  it('give the same records however the text is cut, with CR LF, a byte order mark and blank lines', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TRACE_FORMATS), fc.integer({ min: 1, max: 30 }), (format, size) => {
        const text = `\uFEFF\n${FILES[format].replaceAll('\n', '\r\n\r\n')}`
        const reader = createTraceReader()
        const found: RequestRecord[] = []
        for (let at = 0; at < text.length; at += size)
          found.push(...reader.push(text.slice(at, at + size)).rows)
        found.push(...reader.end().rows)
        expect(found).toEqual(records(FILES[format]))
        expect(reader.counts.records).toBe(found.length)
      }),
    )
  })

  it('do not need a last line end, nor a second line', () => {
    expect(records(FILES.arena.trimEnd())).toEqual(records(FILES.arena))
    expect(records('t_s,prompt_tokens,output_tokens')).toEqual([])
    expect(records('{"timestamp":1,"input_length":1,"output_length":1,"hash_ids":[1]}')).toHaveLength(1)
  })

  it('read quoted fields and spaces around fields', () => {
    const text = ' t_s , "model", prompt_tokens ,output_tokens\n 1.5 ,"a ""b"", c", 3 ,4\n'
    expect(records(text)[0]).toMatchObject({ arrivalUs: 1_500_000, model: 'a "b", c', promptTokens: 3 })
  })

  it('raise empty prompts and outputs of served requests to one token, and count them', () => {
    const reader = createTraceReader()
    const { rows } = reader.push('t_s,prompt_tokens,output_tokens\n0,0,5\n1,5,0\n2,0,0\n')
    expect(rows.map(({ promptTokens, outputTokens }) => [promptTokens, outputTokens])).toEqual([
      [1, 5],
      [5, 1],
      [1, 1],
    ])
    expect(reader.counts).toMatchObject({ raisedPrompts: 2, raisedOutputs: 2, records: 3, lines: 4 })
  })
})

describe('a malformed line', () => {
  const header = 't_s,prompt_tokens,output_tokens\n'

  it.each([
    ['abc,1,1', 'line 2: field t_s: "abc" is not a number of seconds of at least 0'],
    ['-1,1,1', 'line 2: field t_s: "-1" is not a number of seconds of at least 0'],
    ['NaN,1,1', 'line 2: field t_s: "NaN" is not a number of seconds of at least 0'],
    ['0,abc,1', 'line 2: field prompt_tokens: "abc" is not a whole number of at least 1'],
    ['0,1.5,1', 'line 2: field prompt_tokens: "1.5" is not a whole number of at least 1'],
    ['0,-4,1', 'line 2: field prompt_tokens: "-4" is not a whole number of at least 1'],
    ['0,,1', 'line 2: field prompt_tokens: "" is not a whole number of at least 1'],
    [
      '0,1,2147483648',
      'line 2: field output_tokens: "2147483648" is not a whole number of at most 2147483647',
    ],
    ['0,1', 'line 2: field output_tokens is missing; it should be a whole number of at least 1'],
    ['0,1,1,1', 'line 2: "0,1,1,1" is not a row of 3 fields, as the header has'],
  ])('%s names line, field, value and what would be right', (row, sentence) => {
    expect(problemOf(header + row)).toBe(sentence)
  })

  it.each([
    ['{"t_ms":0,"prompt_tokens":1,"output_tokens":1', 'is not a JSON object'],
    ['[1]', 'line 2: "[1]" is not a JSON object'],
    [
      '{"t_ms":"0","prompt_tokens":1,"output_tokens":1}',
      'line 2: field t_ms: "0" is not a number of milliseconds of at least 0, without quotes',
    ],
    [
      '{"t_ms":0,"output_tokens":1}',
      'line 2: field prompt_tokens is missing; it should be a whole number of at least 1',
    ],
    [
      '{"t_ms":0,"prompt_tokens":1e12,"output_tokens":1}',
      'line 2: field prompt_tokens: "1000000000000" is not a whole number of at most 2147483647',
    ],
    [
      '{"t_ms":0,"prompt_tokens":512,"output_tokens":1,"hash_ids":[1,2]}',
      'line 2: field hash_ids: "[1,2]" is not a list of at most 1 ids, one for each 512 tokens of the prompt',
    ],
    [
      '{"t_ms":0,"prompt_tokens":512,"output_tokens":1,"hash_ids":[-1]}',
      'line 2: field hash_ids: "[-1]" is not a list of block ids, each a whole number of at least 0',
    ],
  ])('%s of a JSONL trace does so too', (row, sentence) => {
    expect(problemOf(`{"t_ms":0,"prompt_tokens":1,"output_tokens":1,"hash_ids":[]}\n${row}`)).toContain(
      sentence,
    )
  })

  it('shows a long value shortened', () => {
    expect(problemOf(`${header}0,${'9x'.repeat(500)},1`)).toBe(
      `line 2: field prompt_tokens: "${'9x'.repeat(40)}..." is not a whole number of at least 1`,
    )
  })

  it('refuses a date that does not exist and an empty model name', () => {
    expect(problemOf(`${FILES['azure-2023']}2023-11-31 00:00:00.0,1,1\n`)).toBe(
      'line 4: field TIMESTAMP: "2023-11-31 00:00:00.0" is not a date and time such as 2023-11-16 18:17:03.9799600',
    )
    expect(problemOf('t_s,model,prompt_tokens,output_tokens\n0,,1,1')).toBe(
      'line 2: field model: "" is not a model name',
    )
  })

  it("refuses a field that Kvasir's format does not have, and another version", () => {
    expect(problemOf('{"arrival_us":1,"prompt_tokens":1,"output_tokens":1,"priorty":3}')).toMatch(
      /^line 1: field priorty: "3" is not a field of a request; those are id, arrival_us, /,
    )
    expect(problemOf('{"format":"kvasir-requests","version":2}\n')).toBe(
      'line 1: field version: "2" is not 1, the version read here',
    )
    expect(problemOf('{"arrival_us":1,"prompt_tokens":0,"output_tokens":1}')).toContain('field prompt_tokens')
  })

  it('stops the reading, after the records before it', () => {
    const reader = createTraceReader()
    const batch = reader.push(`${header}0,1,1\nx,1,1\n2,1,1\n`)
    expect(batch.kind).toBe('failed')
    expect(batch.rows).toHaveLength(1)
    expect(reader.push('3,1,1\n')).toEqual({ ...batch, rows: [] })
    expect(reader.end()).toEqual({ ...batch, rows: [] })
  })

  it('is skipped and counted on request, and row ids stay those of the file', () => {
    const reader = createTraceReader({ skipBadLines: true })
    const { rows } = reader.push(`${header}0,1,1\nx,1,1\n2,1,1\n`)
    expect(rows.map(({ id, arrivalUs }) => [id, arrivalUs])).toEqual([
      ['r1', 0],
      ['r3', 2_000_000],
    ])
    expect(reader.counts.badLines).toBe(1)
    expect(reader.counts.firstProblems.map(describeProblem)).toEqual([
      'line 3: field t_s: "x" is not a number of seconds of at least 0',
    ])
  })

  it('without an end is refused before it fills the memory', () => {
    const reader = createTraceReader()
    reader.push(`${header}0,1,1\n`)
    let pushes = 0
    while (reader.push('0'.repeat(1 << 20)).kind === 'rows') expect(++pushes).toBeLessThan(20)
    expect(reader.end()).toMatchObject({
      problem: { line: 3, expected: 'a line of at most 8388608 characters' },
    })
  })
})

describe('arrivals out of order', () => {
  const text = 't_s,prompt_tokens,output_tokens\n1.5,1,1\n0.5,2,1\n2,3,1\n'

  it('are refused with a hint', () => {
    expect(problemOf(text)).toBe(
      'line 3: field t_s: "0.5" is not at or after the previous arrival at 1.5 s' +
        ' (sort the trace by time, or have it sorted or clamped on reading)',
    )
  })

  it('are clamped or kept on request, and counted', () => {
    const clamping = createTraceReader({ outOfOrder: 'clamp' })
    expect(clamping.push(text).rows.map((record) => record.arrivalUs)).toEqual([
      1_500_000, 1_500_000, 2_000_000,
    ])
    expect(clamping.counts.clampedArrivals).toBe(1)
    const keeping = createTraceReader({ outOfOrder: 'keep' })
    expect(keeping.push(text).rows.map((record) => record.arrivalUs)).toEqual([1_500_000, 500_000, 2_000_000])
    expect(keeping.counts.unsortedArrivals).toBe(1)
  })

  it('are rebased to the first row on request, deadlines too', () => {
    expect(records(text, { rebase: true, outOfOrder: 'keep' }).map((record) => record.arrivalUs)).toEqual([
      0, -1_000_000, 500_000,
    ])
    expect(records(FILES.kvasir, { rebase: true })[0]).toMatchObject({ arrivalUs: 0, deadlineUs: 89 })
  })
})

describe('an unknown format', () => {
  it('is refused with the formats that are known', () => {
    expect(problemOf('a,b,c\n1,2,3\n')).toBe(
      'line 1: "a,b,c" is not the header or first record of a known trace format' +
        ' (azure-2023, azure-2024, normalised, burstgpt, servegen, arena, mooncake, llmsched, kvasir)',
    )
    expect(problemOf('')).toContain('line 1: "" is not the header')
    expect(problemOf('{"a":1}\n')).toContain('is not the header')
    expect(problemOf('a,b\n', { skipBadLines: true })).toContain('is not the header')
  })

  it('is told apart from lengths and rates, which are no traces', () => {
    expect(sniffFormat('prompt_tokens,output_tokens\n1,2\n')).toBe('lengths')
    expect(problemOf('prompt_tokens,output_tokens\n1,2\n')).toContain('pair it with a generator')
    expect(sniffFormat('model,t_s,rate_rps,active_clients\n')).toBe('rates')
    expect(problemOf('model,t_s,rate_rps,active_clients\n')).toContain('use it as a rate curve')
  })

  it('gives way to the format that the caller names, whose columns must be there', () => {
    expect(records(FILES.arena, { format: 'normalised' })[0]?.model).toBeUndefined()
    expect(problemOf(FILES.arena, { format: 'burstgpt', skipBadLines: true })).toBe(
      'line 1: field Timestamp is missing; it should be a column of the header, as format burstgpt has it',
    )
  })
})
