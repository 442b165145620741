import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { EndDecisionRecord } from '@kvasir/contracts'
import { afterAll, describe, expect, it } from 'vitest'
import { headerHash, recordHash, recordLine } from './decision-chain.js'
import { type DecisionLogEntry, readDecisionLog } from './decision-log-reader.js'
import { decisionLogHeader, DecisionLogWriter } from './decision-log-writer.js'
import { OperationalError } from './operational-error.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-decision-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

const header = decisionLogHeader({ name: 'test', policy: 'weighted-max-min', seed: 1 })

function decision(n: number): EndDecisionRecord {
  const [id, engine] = [`r${n}`, 'a']
  return {
    kind: 'end',
    pool: 'p',
    epoch: 1,
    atUs: 1_000 * n,
    id,
    engine,
    cause: 'cancelled',
    denial: null,
    wanted: 5,
    least: 1,
    reserved: 0,
    answer: { outcome: { kind: 'expired', id, reason: 'cancelled' }, explanation: 'é "quoted"' },
  }
}

function written(name: string, decisions: number): string {
  const writer = new DecisionLogWriter(at(name), header)
  for (let n = 1; n <= decisions; n++) writer.record(decision(n))
  writer.close()
  return at(name)
}

async function entriesOf(path: string): Promise<readonly DecisionLogEntry[]> {
  const entries: DecisionLogEntry[] = []
  for await (const entry of readDecisionLog(path)) entries.push(entry)
  return entries
}

/** What is wrong with a log after an edit of its lines: by line, a field of the chain or `damaged`. */
async function faultsOf(
  edit: (lines: readonly string[]) => readonly string[],
  end = '\n',
): Promise<readonly string[]> {
  const lines = readFileSync(written('whole.jsonl', 5), 'utf8').trimEnd().split('\n')
  writeFileSync(at('edited.jsonl'), `${edit(lines).join('\n')}${end}`)
  return (await entriesOf(at('edited.jsonl'))).flatMap((entry) => {
    if (entry.kind === 'damaged') return [`${entry.line} damaged`]
    return entry.kind === 'record' && entry.broken ? [`${entry.line} ${entry.broken.field}`] : []
  })
}

async function failure(path: string): Promise<OperationalError> {
  const error = await entriesOf(path).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof OperationalError))
    throw new Error(`expected an OperationalError, got ${String(error)}`)
  return error
}

describe('a decision log', () => {
  it.each(['plain.jsonl', 'packed.jsonl.gz'])('gives back what was written: %s', async (name) => {
    const entries = await entriesOf(written(name, 3))
    expect(entries[0]).toMatchObject({ kind: 'header', header })
    const records = entries.flatMap((entry) => (entry.kind === 'record' ? [entry] : []))
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(records.map(({ record }) => record)).toEqual([
      decision(1),
      decision(2),
      decision(3),
      { kind: 'closed', decisions: 3 },
    ])
    expect(records.every(({ broken }) => broken === undefined)).toBe(true)
  })

  it('is the same text packed or not, and the same bytes every time', () => {
    const plain = readFileSync(written('plain.jsonl', 40))
    expect(gunzipSync(readFileSync(written('packed.jsonl.gz', 40))).equals(plain)).toBe(true)
    expect(readFileSync(written('again.jsonl.gz', 40)).equals(readFileSync(at('packed.jsonl.gz')))).toBe(true)
  })

  it('hashes each record with the hash before it', () => {
    const [first, second] = readFileSync(written('chain.jsonl', 1), 'utf8').split('\n')
    const hash = recordHash(headerHash(first), JSON.stringify(decision(1)))
    expect(JSON.parse(second)).toMatchObject({ seq: 1, prev: headerHash(first), hash })
    expect(second).toBe(recordLine(1, headerHash(first), decision(1)).text)
  })
})

describe('reading a decision log', () => {
  it('finds nothing wrong with a whole one', async () => {
    expect(await faultsOf((lines) => lines)).toEqual([])
  })

  it('names a line in which a byte was changed', async () => {
    const flip = (lines: readonly string[]) => lines.with(3, lines[3].replace('"wanted":5', '"wanted":4'))
    expect(await faultsOf(flip)).toEqual(['4 hash'])
  })

  it('names the place of a line that was removed, and of lines that were swapped', async () => {
    expect(await faultsOf((lines) => lines.toSpliced(2, 1))).toEqual(['3 seq'])
    expect(await faultsOf((lines) => lines.with(2, lines[3]).with(3, lines[2]))).toEqual([
      '3 seq',
      '4 seq',
      '5 seq',
    ])
    const renumbered = (lines: readonly string[]) =>
      lines.toSpliced(2, 1).map((line, i) => (i === 0 ? line : line.replace(/"seq":\d+/, `"seq":${i}`)))
    expect(await faultsOf(renumbered)).toEqual(['3 prev'])
  })

  it('names a header that was changed, by the first line after it', async () => {
    expect(await faultsOf((lines) => lines.with(0, lines[0].replace('"seed":1', '"seed":2')))).toEqual([
      '2 prev',
    ])
  })

  it('names a torn last line', async () => {
    expect(await faultsOf((lines) => lines.with(-1, lines[6].slice(0, 90)), '')).toEqual(['7 damaged'])
    expect(await faultsOf((lines) => lines.slice(0, 6), '')).toEqual(['6 damaged'])
  })

  it('names a line of another shape, with its field, and goes on', async () => {
    const entries = await entriesOf(written('whole.jsonl', 3))
    expect(entries).toHaveLength(5)
    const lines = readFileSync(at('whole.jsonl'), 'utf8').split('\n')
    const other = lines
      .with(1, 'nonsense')
      .with(2, lines[2].replace('"cause":"cancelled"', '"cause":"boredom"'))
    writeFileSync(at('other.jsonl'), other.join('\n'))
    const read = await entriesOf(at('other.jsonl'))
    expect(read.map(({ kind }) => kind)).toEqual(['header', 'damaged', 'damaged', 'record', 'record'])
    expect(read[2]).toMatchObject({
      problem: expect.stringMatching(/^record\.cause is "boredom"; it must be one of/),
    })
  })

  it('reads a packed file that was cut off as far as it goes', async () => {
    const writer = new DecisionLogWriter(at('cut.jsonl.gz'), header)
    for (let n = 1; n <= 2_000; n++) writer.record(decision(n))
    writer.abandon()
    const bytes = readFileSync(at('cut.jsonl.gz'))
    writeFileSync(at('cut.jsonl.gz'), bytes.subarray(0, bytes.length - 100))
    const entries = await entriesOf(at('cut.jsonl.gz'))
    const last = entries[entries.length - 1]
    expect(entries.length).toBeGreaterThan(500)
    expect(last).toMatchObject({ kind: 'damaged', problem: expect.stringContaining('ends too early') })
  })

  it('refuses what is no decision log', async () => {
    writeFileSync(at('empty.jsonl'), '')
    writeFileSync(at('trace.jsonl'), '{"ts_us":1}\n')
    writeFileSync(at('old.jsonl'), `${JSON.stringify({ ...header, version: 0 })}\n`)
    expect((await failure(at('missing.jsonl'))).code).toBe('file_not_found')
    expect((await failure(at('empty.jsonl'))).code).toBe('wrong_format')
    expect((await failure(at('trace.jsonl'))).message).toContain('is no decision log: in line 1')
    expect((await failure(at('old.jsonl'))).message).toContain('version is 0; it must be 1')
  })
})
