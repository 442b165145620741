import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { RequestRecord } from '@kvasir/workload'
import { afterAll, describe, expect, it } from 'vitest'
import { scanTrace, TraceFileStream, type TraceFileOptions } from './trace-file.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))

function options(
  name: string,
  content: string | Uint8Array,
  more: Partial<TraceFileOptions> = {},
): TraceFileOptions {
  const path = join(folder, name)
  writeFileSync(path, content)
  return { path, format: undefined, skipBadLines: false, limit: undefined, ...more }
}

const rows = Array.from({ length: 5000 }, (_, i) => `${i / 10},${i % 3 === 0 ? 'big' : 'small'},${10 + i},5`)
const csv = `t_s,model,prompt_tokens,output_tokens\n${rows.join('\n')}\n`

async function readAll(stream: TraceFileStream, slice: number): Promise<RequestRecord[]> {
  const records: RequestRecord[] = []
  for (;;) {
    await stream.fill(slice)
    for (let i = 0; i < slice; i++) {
      const record = stream.next()
      if (record === undefined) return records
      records.push(record)
    }
  }
}

describe('scanTrace', () => {
  it('counts requests and tokens by model, also in gzip', async () => {
    const facts = await scanTrace(options('a.csv.gz', gzipSync(csv)))
    expect(facts).toMatchObject({
      format: 'arena',
      requests: 5000,
      firstArrivalUs: 0,
      lastArrivalUs: 499_900_000,
    })
    expect([...facts.models.keys()]).toEqual(['big', 'small'])
    expect(facts.models.get('big')).toMatchObject({ requests: 1667, outputTokens: 8335 })
  })

  it('stops at its limit', async () => {
    expect((await scanTrace(options('a.csv', csv, { limit: 7 }))).requests).toBe(7)
  })

  it.each([
    ['bad.csv', `${csv}500,big,abc,5\n`, /bad\.csv: line 5002: field prompt_tokens: "abc" is not/],
    ['empty.csv', 't_s,prompt_tokens,output_tokens\n', /empty\.csv: holds no requests/],
    [
      'text.csv',
      'hello world\n',
      /text\.csv: line 1: "hello world" is not the header or first record of a known trace/,
    ],
  ])('refuses %s by file, line, field and value', async (name, content, sentence) => {
    await expect(scanTrace(options(name, content))).rejects.toThrow(sentence)
  })

  it('skips and counts malformed lines when asked to', async () => {
    const facts = await scanTrace(options('bad.csv', `${csv}500,big,abc,5\n`, { skipBadLines: true }))
    expect(facts.requests).toBe(5000)
    expect(facts.counts.badLines).toBe(1)
  })

  it('refuses a truncated gzip file and one that is not there', async () => {
    await expect(scanTrace(options('cut.csv.gz', gzipSync(csv).subarray(0, 5000)))).rejects.toThrow(
      /gzip data ends too early/,
    )
    await expect(scanTrace({ ...options('a.csv', csv), path: join(folder, 'none.csv') })).rejects.toThrow(
      'no such file',
    )
  })
})

describe('TraceFileStream', () => {
  it.each([1, 100, 100_000])('yields every request in order whatever the slice (%i)', async (slice) => {
    const file = options('a.csv', csv)
    const records = await readAll(new TraceFileStream(file, await scanTrace(file), 1), slice)
    expect(records).toHaveLength(5000)
    expect(records[4999]).toMatchObject({ arrivalUs: 499_900_000, promptTokens: 5009 })
  })

  it('repeats end to end with other ids at the same rate', async () => {
    const file = options('a.csv', csv, { limit: 3 })
    const records = await readAll(new TraceFileStream(file, await scanTrace(file), 3), 2)
    expect(records.map(({ arrivalUs }) => arrivalUs / 100_000)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(new Set(records.map(({ id }) => id)).size).toBe(9)
  })

  it('gives prefixes of another round other blocks', async () => {
    const line = (t: number) =>
      JSON.stringify({ t_ms: t, prompt_tokens: 600, output_tokens: 1, hash_ids: [4, 7] })
    const file = options('m.jsonl', `${line(0)}\n${line(10)}\n`)
    const records = await readAll(new TraceFileStream(file, await scanTrace(file), 2), 10)
    expect(records.map(({ prefixBlocks }) => prefixBlocks)).toEqual([
      [4, 7],
      [4, 7],
      [12, 15],
      [12, 15],
    ])
  })

  it('fails loudly when more is pulled than was read ahead', async () => {
    const file = options('a.csv', csv)
    const stream = new TraceFileStream(file, await scanTrace(file), 1)
    expect(() => stream.next()).toThrow('more requests were pulled than had been read ahead')
  })
})
