import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileJournal } from './file-journal.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvasir-journal-'))
  path = join(folder, 'deep', 'device.journal')
})
afterEach(() => rmSync(folder, { recursive: true }))

const never = () => {
  throw new Error('nothing to compact')
}

function written() {
  const { journal } = FileJournal.open(path)
  journal.write({ kind: 'fence', epoch: 3, nonce: 9 }, never)
  journal.write({ kind: 'open', engine: 'a', incarnation: 4, share: 1, blockBytesPerRank: 10 }, never)
  journal.write({ kind: 'map', engine: 'a', bundles: [5, 1, 2] }, never)
  journal.write({ kind: 'unmap', engine: 'a', bundles: [1] }, never)
  journal.close()
  return {
    epoch: 3,
    nonce: 9,
    tenants: [{ engine: 'a', incarnation: 4, share: 1, blockBytesPerRank: 10, bundles: [2, 5] }],
  }
}

describe('FileJournal', () => {
  it('has nothing before it was written', () => {
    expect(FileJournal.open(path).snapshot).toEqual({ epoch: 0, nonce: 0, tenants: [] })
  })

  it('has after a restart what was written, again and again', () => {
    const snapshot = written()
    expect(FileJournal.open(path).snapshot).toEqual(snapshot)
    expect(FileJournal.open(path).snapshot).toEqual(snapshot)
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(2)
  })

  it('drops a last line that was not written to its end', () => {
    const snapshot = written()
    appendFileSync(path, '{"kind":"map","engine":"a","bundles":[7')
    const { journal } = FileJournal.open(path)
    journal.write({ kind: 'map', engine: 'a', bundles: [8] }, never)
    journal.close()
    const [tenant] = FileJournal.open(path).snapshot.tenants
    expect(tenant).toEqual({ ...snapshot.tenants[0], bundles: [2, 5, 8] })
  })

  it('refuses a file that is not a journal, and leaves it as it is', () => {
    written()
    writeFileSync(path, '{"kind":"fence","epoch":1,"nonce":1}\nhello\n')
    expect(() => FileJournal.open(path)).toThrow(/line 2 of .* is not an entry of a device journal/)
    expect(readFileSync(path, 'utf8')).toContain('hello')
  })

  it('writes the file anew when it has become long', () => {
    const { journal } = FileJournal.open(path)
    const snapshot = { epoch: 1, nonce: 1, tenants: [] }
    for (let i = 0; i < 10_050; i++) journal.write({ kind: 'close', engine: 'a' }, () => snapshot)
    journal.close()
    expect(readFileSync(path, 'utf8').split('\n').length).toBeLessThan(60)
    expect(FileJournal.open(path).snapshot).toEqual(snapshot)
  })
})
