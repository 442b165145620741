import { mkdtempSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { SeededRng } from '@kvasir/kernel'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeJsonAtomic, writeTextAtomic } from './atomic-file.js'
import { csvLine, writeCsv } from './csv.js'
import { OperationalError } from './operational-error.js'
import { readLines, readTextChunks } from './read-text-chunks.js'
import { TextFileWriter } from './text-file-writer.js'
import { TraceWriter } from './trace-writer.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvasir-event-log-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)

async function readAll(path: string): Promise<string> {
  let text = ''
  for await (const chunk of readTextChunks(path)) text += chunk
  return text
}

async function allLines(path: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(path)) lines.push(line)
  return lines
}

async function failure(reading: Promise<unknown>): Promise<OperationalError> {
  const error = await reading.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof OperationalError))
    throw new Error(`expected an OperationalError, got ${String(error)}`)
  return error
}

/** More than one read of text whose characters are 1 to 4 bytes long, so that some are cut by a border. */
function longText(): string {
  const rng = new SeededRng(1, 'text')
  const letters = ['a', 'é', '漢', '🦉', '\n']
  return Array.from({ length: 300_000 }, () => letters[rng.int(letters.length)]).join('')
}

describe('reading text', () => {
  it('puts together what the borders of chunks have cut, plain and packed', async () => {
    const text = longText()
    writeFileSync(at('long.txt'), text)
    writeFileSync(at('long.gz'), gzipSync(text))
    expect(await readAll(at('long.txt'))).toBe(text)
    expect(await readAll(at('long.gz'))).toBe(text)
  })

  it('comes in chunks, not in one piece', async () => {
    writeFileSync(at('large.txt'), 'x'.repeat(2_000_000))
    let chunks = 0
    for await (const chunk of readTextChunks(at('large.txt'))) {
      expect(chunk.length).toBeLessThanOrEqual(256 * 1024)
      chunks++
    }
    expect(chunks).toBeGreaterThan(5)
  })

  it('recognises gzip by its first bytes, whatever the file is called', async () => {
    writeFileSync(at('packed.csv'), gzipSync('a,b\n'))
    writeFileSync(at('plain.gz'), 'a,b\n')
    expect([await readAll(at('packed.csv')), await readAll(at('plain.gz'))]).toEqual(['a,b\n', 'a,b\n'])
  })

  it('unpacks several members in one file', async () => {
    writeFileSync(at('two.gz'), Buffer.concat([gzipSync('one\n'), gzipSync('two\n')]))
    expect(await readAll(at('two.gz'))).toBe('one\ntwo\n')
  })

  it('drops a byte order mark, and takes empty files and files of one byte', async () => {
    writeFileSync(at('marked.txt'), '\uFEFFid\n')
    writeFileSync(at('empty.txt'), '')
    writeFileSync(at('one.txt'), '\x1f')
    expect(await readAll(at('marked.txt'))).toBe('id\n')
    expect(await readAll(at('empty.txt'))).toBe('')
    expect(await readAll(at('one.txt'))).toBe('\x1f')
  })

  it('splits lines at any border, with either kind of end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: fc.constantFrom('a', ',', 'é'), maxLength: 5 })),
        async (lines) => {
          writeFileSync(at('lines.txt'), lines.map((line) => `${line}\r\n`).join(''))
          expect(await allLines(at('lines.txt'))).toEqual(lines)
        },
      ),
      { numRuns: 30 },
    )
    writeFileSync(at('unended.txt'), 'a\nb')
    expect(await allLines(at('unended.txt'))).toEqual(['a', 'b'])
  })

  it('names what is wrong with a file that cannot be read', async () => {
    mkdirSync(at('folder'))
    const packed = gzipSync(longText())
    writeFileSync(at('short.gz'), packed.subarray(0, packed.length / 2))
    const damaged = Buffer.from(packed)
    damaged.fill(0, 1_000, 2_000)
    writeFileSync(at('damaged.gz'), damaged)
    const missing = await failure(readAll(at('missing.csv')))
    expect(missing.code).toBe('file_not_found')
    expect(missing.message).toBe(`cannot read ${at('missing.csv')}: there is no such file or folder`)
    expect((await failure(readAll(at('folder')))).code).toBe('is_a_directory')
    expect((await failure(readAll(at('short.gz')))).code).toBe('truncated_gzip')
    expect((await failure(readAll(at('damaged.gz')))).code).toBe('corrupt_gzip')
  })

  it('lets a reader stop early', async () => {
    for (const name of ['long.txt', 'long.gz']) {
      let taken = ''
      for await (const chunk of readTextChunks(at(name))) {
        taken = chunk
        break
      }
      expect(taken.length).toBeGreaterThan(0)
    }
  })
})

describe('writing text', () => {
  it('leaves the same bytes whatever the chunk size', () => {
    const text = longText()
    const pieces = text.match(/[^]{1,1000}/gu) ?? []
    for (const chunkChars of [1, 4_096, 1 << 30]) {
      const file = new TextFileWriter(at('written.txt'), { chunkChars })
      for (const piece of pieces) file.write(piece)
      file.close()
      file.close()
      expect(readFileSync(at('written.txt'), 'utf8')).toBe(text)
      expect(file.bytes).toBe(Buffer.byteLength(text))
    }
  })

  it('does not write before a chunk is full', () => {
    const file = new TextFileWriter(at('lazy.txt'), { chunkChars: 100 })
    file.write('x'.repeat(99))
    expect(file.bytes).toBe(0)
    file.write('x')
    expect(file.bytes).toBe(100)
    file.close()
  })

  it('refuses to write into a closed file', () => {
    const file = new TextFileWriter(at('closed.txt'))
    file.close()
    expect(() => file.write('late')).toThrow('is closed already')
  })

  it('names what is wrong with a file that cannot be written', () => {
    expect(() => new TextFileWriter(join(folder, 'nowhere', 'x.txt'))).toThrow(
      expect.objectContaining({ name: 'OperationalError', code: 'file_not_found' }),
    )
    mkdirSync(at('taken'))
    expect(() => new TextFileWriter(at('taken'))).toThrow(expect.objectContaining({ code: 'is_a_directory' }))
  })

  it('writes a trace as one JSON object a line', () => {
    const trace = new TraceWriter(at('trace.jsonl'))
    trace.record({ ts_us: 1, event: 'reject', req_id: 'r1', reason: 'too_long', detail: 'a "quoted"\nline' })
    trace.record({ ts_us: 2, event: 'join', req_id: '', pool: 'p', engine: 'e', model: 'm' })
    trace.close()
    expect(readFileSync(at('trace.jsonl'), 'utf8')).toBe(
      '{"ts_us":1,"event":"reject","req_id":"r1","reason":"too_long","detail":"a \\"quoted\\"\\nline"}\n' +
        '{"ts_us":2,"event":"join","req_id":"","pool":"p","engine":"e","model":"m"}\n',
    )
    expect(trace.lines).toBe(2)
  })
})

describe('a file that is replaced as a whole', () => {
  it('holds the new value and leaves nothing beside it', () => {
    mkdirSync(at('atomic'))
    writeJsonAtomic(at('atomic/summary.json'), { run: 1 })
    writeJsonAtomic(at('atomic/summary.json'), { run: 2, name: 'é' })
    expect(JSON.parse(readFileSync(at('atomic/summary.json'), 'utf8'))).toEqual({ run: 2, name: 'é' })
    expect(readdirSync(at('atomic'))).toEqual(['summary.json'])
  })

  it('keeps the old state and leaves nothing beside it when it cannot be replaced', () => {
    mkdirSync(at('blocked/summary.json'), { recursive: true })
    expect(() => writeTextAtomic(at('blocked/summary.json'), 'x')).toThrow(OperationalError)
    expect(readdirSync(at('blocked'))).toEqual(['summary.json'])
  })
})

describe('CSV', () => {
  it('quotes what needs it and leaves numbers alone', () => {
    expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', -1.5, true, null, undefined])).toBe(
      'a,"b,c","say ""hi""","two\nlines",-1.5,true,,',
    )
  })

  it('does not let a name become a formula of a spreadsheet', () => {
    expect(csvLine(['=1+1', '@SUM(A1)', '-x', '+x', '\tx'])).toBe("'=1+1,'@SUM(A1),'-x,'+x,'\tx")
  })

  it('is written as a header and rows', () => {
    writeCsv(at('rows.csv'), ['time_s', 'model'], [[0.1, 'a']])
    expect(readFileSync(at('rows.csv'), 'utf8')).toBe('time_s,model\n0.1,a\n')
  })
})
