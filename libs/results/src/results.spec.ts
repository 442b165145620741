import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunRecord, SampleTable } from '@kvasir/experiment'
import { afterAll, describe, expect, it } from 'vitest'
import { readParquet, writeParquet } from './parquet.js'
import { readExperiment, readRecords, readSamples, RESULT_FILES, ResultStore } from './result-store.js'
import { readJournal, RunJournal } from './run-journal.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-results-'))
afterAll(() => rmSync(folder, { recursive: true }))

function failed(id: string): RunRecord {
  return { kind: 'failed', id, attempts: 1, reason: 'no such file' }
}

const experiment = {
  spec: {
    name: 'e',
    question: 'Q?',
    base: 'three-models',
    set: {},
    factors: [],
    seeds: [1],
    repetitions: 1,
    metrics: [{ path: 'goodputPerS', better: 'higher' as const }],
    comparisons: [],
    recorded: [],
  },
  base: { name: 'three-models' },
  scenarioFolder: '../..',
  small: false,
}

describe('RunJournal', () => {
  it('keeps what was appended, over several openings', () => {
    const path = join(folder, 'a.jsonl')
    for (const id of ['1', '2']) {
      const journal = new RunJournal(path)
      journal.append(failed(id))
      journal.close()
    }
    expect(readJournal(path)).toEqual([failed('1'), failed('2')])
  })

  it('takes off a last line that was cut short, wherever that was', () => {
    const whole = `${JSON.stringify(failed('1'))}\n`
    const next = `${JSON.stringify(failed('é'))}\n`
    const bytes = Buffer.from(next)
    for (let length = 0; length < bytes.length; length++) {
      const path = join(folder, 'torn.jsonl')
      writeFileSync(path, whole)
      appendFileSync(path, bytes.subarray(0, length))
      expect(readJournal(path), `${length} bytes`).toEqual([failed('1')])
      const journal = new RunJournal(path)
      journal.append(failed('3'))
      journal.close()
      expect(readJournal(path), `${length} bytes`).toEqual([failed('1'), failed('3')])
    }
  })

  it('refuses a line in the middle that is no record, naming it', () => {
    const path = join(folder, 'bad.jsonl')
    writeFileSync(path, `${JSON.stringify(failed('1'))}\n{"kind":"odd"}\n${JSON.stringify(failed('2'))}\n`)
    expect(() => readJournal(path)).toThrow('line 2 is no record of a run')
  })
})

describe('ResultStore', () => {
  it('has one writer at a time, and takes over from one that is gone', () => {
    const path = join(folder, 'store')
    const store = ResultStore.create(path, experiment)
    expect(() => ResultStore.create(path, experiment)).toThrow('has results already')
    writeFileSync(join(path, RESULT_FILES.lock), String(process.ppid))
    expect(() => ResultStore.open(path)).toThrow(`is being written by process ${process.ppid}`)
    // Larger than any process id of Linux.
    writeFileSync(join(path, RESULT_FILES.lock), '4194305')
    ResultStore.open(path).close()
    expect(existsSync(join(path, RESULT_FILES.lock))).toBe(false)
    store.close()
  })

  it('gives back what it was given, parts and all', () => {
    const path = join(folder, 'parts')
    const store = ResultStore.create(path, experiment)
    store.record(failed('x'), undefined)
    const samples: SampleTable = { seen: 9, rows: [] }
    store.record(failed('y'), { summary: Object(null), drawing: '', samples })
    store.close()
    expect(readExperiment(path)).toEqual(experiment)
    expect(readRecords(path).map(({ id }) => id)).toEqual(['x', 'y'])
    expect(readSamples(path, 'y')).toEqual(samples)
    expect(readSamples(path, 'x')).toBeUndefined()
  })

  it('says what is wrong with a folder that has no results', () => {
    expect(() => ResultStore.open(join(folder, 'nothing'))).toThrow('there is no such file or folder')
  })
})

describe('Parquet', () => {
  const columns = [
    { name: 'run', type: 'text', values: ['a', 'b', null] },
    { name: 'seed', type: 'whole', values: [1, 2 ** 40, null] },
    { name: 'models.chat.ttftUs.p99', type: 'number', values: [0.1, null, -3] },
  ] as const

  it('reads back what was written, nulls too', async () => {
    const path = join(folder, 'a.parquet')
    writeParquet(path, columns)
    const table = await readParquet(path)
    expect(table.columns).toEqual(['run', 'seed', 'models.chat.ttftUs.p99'])
    expect(table.rows.map((row) => [...row.values()])).toEqual([
      ['a', 1, 0.1],
      ['b', 2 ** 40, null],
      [null, null, -3],
    ])
  })

  it('writes the same bytes for the same columns', () => {
    const paths = ['b', 'c'].map((name) => join(folder, `${name}.parquet`))
    for (const path of paths) writeParquet(path, columns)
    expect(readFileSync(paths[0]).equals(readFileSync(paths[1]))).toBe(true)
  })

  it('writes a table without rows, and refuses a file that is none', async () => {
    const path = join(folder, 'empty.parquet')
    writeParquet(
      path,
      columns.map((column) => ({ ...column, values: [] })),
    )
    expect((await readParquet(path)).rows).toEqual([])
    writeFileSync(path, 'PAR1 no')
    await expect(readParquet(path)).rejects.toThrow('is no Parquet file')
    await expect(readParquet(join(folder, 'none.parquet'))).rejects.toThrow('there is no such file')
  })
})
