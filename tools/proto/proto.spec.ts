import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const bin = join(root, 'node_modules/.bin')
const scratch = mkdtempSync(join(tmpdir(), 'kvasir-proto-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** What others may have been built against; how it is renewed, proto/README.md says. */
const PUBLISHED = 'proto/published.binpb'

function buf(cwd: string, ...args: string[]): { readonly ok: boolean; readonly said: string } {
  const env = { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter), BUF_CACHE_DIR: scratch }
  const { status, stdout, stderr } = spawnSync(join(bin, 'buf'), args, { cwd, env, encoding: 'utf8' })
  return { ok: status === 0, said: stdout + stderr }
}

/** A copy of the protos, with one of them changed. */
function withChange(file: string, from: string, to: string): string {
  const folder = mkdtempSync(join(scratch, 'changed-'))
  for (const name of ['proto', 'buf.yaml']) cpSync(join(root, name), join(folder, name), { recursive: true })
  const path = join(folder, 'proto', file)
  const text = readFileSync(path, 'utf8')
  expect(text).toContain(from)
  writeFileSync(path, text.replace(from, to))
  return folder
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

describe('proto/', () => {
  it('keeps the rules of buf lint', () => {
    expect(buf(root, 'lint')).toEqual({ ok: true, said: '' })
  })

  it('breaks nothing that was published', () => {
    expect(buf(root, 'breaking', '--against', PUBLISHED)).toEqual({ ok: true, said: '' })
  })

  it.each([
    ['a field that changes its number', 'uint64 beat = 1;', 'uint64 beat = 99;'],
    ['a field that changes its type', 'uint32 held = 6;', 'string held = 6;'],
    [
      'a call that is gone',
      '  rpc PoolSession(stream PoolSessionRequest) returns (stream PoolSessionResponse);',
      '',
    ],
  ])('would be refused with %s', (_what, from, to) => {
    const folder = withChange('kvasir/v1/pool.proto', from, to)
    const { ok, said } = buf(folder, 'breaking', '--against', join(root, PUBLISHED))
    expect(ok).toBe(false)
    expect(said).toContain('pool.proto')
  })

  it('is what the code in libs/wire was generated from', () => {
    expect(buf(root, 'generate', '--output', scratch)).toMatchObject({ ok: true })
    const [made, kept] = [scratch, root].map((folder) => join(folder, 'libs/wire/src/generated'))
    expect(filesIn(made)).toEqual(filesIn(kept))
    for (const name of filesIn(made))
      expect(readFileSync(join(made, name), 'utf8'), name).toBe(readFileSync(join(kept, name), 'utf8'))
  })

  it('is published with everything that there is', () => {
    const listed = buf(root, 'ls-files', PUBLISHED).said.trim().split('\n')
    const there = execFileSync('find', ['proto', '-name', '*.proto'], { cwd: root, encoding: 'utf8' })
    expect(listed.map((name) => name.replace(/^proto\//, '')).sort()).toEqual(
      there
        .trim()
        .split('\n')
        .map((name) => name.replace(/^proto\//, ''))
        .sort(),
    )
  })
})
