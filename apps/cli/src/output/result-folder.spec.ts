import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ResultFolder } from './result-folder.js'

const root = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(root, { recursive: true }))

describe('ResultFolder', () => {
  it('shows nothing before the end and everything after it', () => {
    const path = join(root, 'a/b')
    const folder = new ResultFolder(path)
    writeFileSync(folder.file('summary.json'), 'one')
    writeFileSync(folder.file('drf/summary.json'), 'two')
    expect(readdirSync(path)).toEqual(['.partial'])
    folder.commit()
    expect(readFileSync(join(path, 'drf/summary.json'), 'utf8')).toBe('two')
    expect(readdirSync(path).sort()).toEqual(['drf', 'summary.json'])
  })

  it('replaces old results and leaves other files alone', () => {
    const path = join(root, 'old')
    mkdirSync(path)
    writeFileSync(join(path, 'summary.json'), 'old')
    writeFileSync(join(path, 'mine.txt'), 'mine')
    const folder = new ResultFolder(path)
    writeFileSync(folder.file('summary.json'), 'new')
    folder.commit()
    expect(readFileSync(join(path, 'summary.json'), 'utf8')).toBe('new')
    expect(readFileSync(join(path, 'mine.txt'), 'utf8')).toBe('mine')
  })

  it('leaves no trace of a run that failed', () => {
    const folder = new ResultFolder(join(root, 'x/y/z'))
    writeFileSync(folder.file('trace.jsonl'), '')
    folder.discard()
    expect(existsSync(join(root, 'x'))).toBe(false)
    expect(existsSync(root)).toBe(true)
  })

  it('keeps a folder that was there when it discards', () => {
    const path = join(root, 'kept')
    mkdirSync(path)
    new ResultFolder(path).discard()
    expect(readdirSync(path)).toEqual([])
  })

  it('refuses a file in its place', () => {
    const path = join(root, 'file')
    writeFileSync(path, '')
    expect(() => new ResultFolder(path)).toThrow(/--out .*: is a file; it must be a folder/)
    expect(() => new ResultFolder(join(path, 'below'))).toThrow(/--out .*: cannot be written/)
  })
})
