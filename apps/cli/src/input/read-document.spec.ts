import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readDocument } from './read-document.js'

const folder = mkdtempSync(join(tmpdir(), 'kvasir-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('readDocument', () => {
  it('reads YAML, JSON and TOML alike', () => {
    const expected = { name: 'a', models: [{ weight: 2 }] }
    expect(readDocument(file('a.yaml', 'name: a\nmodels:\n  - weight: 2\n'))).toEqual(expected)
    expect(readDocument(file('a.json', JSON.stringify(expected)))).toEqual(expected)
    expect(readDocument(file('a.toml', 'name = "a"\n[[models]]\nweight = 2\n'))).toEqual(expected)
  })

  it.each([
    ['bad.yaml', 'a: [1, 2\nb: 3', /bad\.yaml: not valid YAML: .* at line 2, column \d+$/],
    ['twice.yaml', 'a: 1\na: 2', /twice\.yaml: not valid YAML: Map keys must be unique at line 2/],
    ['bad.toml', 'a = [1, 2\nb = 3', /bad\.toml: not valid TOML: .* at line \d, column \d+$/],
    ['note.txt', 'a: 1', /note\.txt: a scenario's name must end in one of \.yaml, \.yml, \.json, \.toml/],
  ])('refuses %s with file and line', (name, text, sentence) => {
    expect(() => readDocument(file(name, text))).toThrow(sentence)
  })

  it('says when there is no file, or it is a folder', () => {
    expect(() => readDocument(join(folder, 'none.yaml'))).toThrow('no such file')
    mkdirSync(join(folder, 'folder.yaml'))
    expect(() => readDocument(join(folder, 'folder.yaml'))).toThrow('is a folder')
  })
})
