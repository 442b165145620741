import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { GoldenCase } from './golden-case.js'
import { replayCase } from './replay-case.js'

const shared =
  process.env['KVASIR_SHARED'] ?? fileURLToPath(new URL('../../../../../shared', import.meta.url))
const folder = `${shared}/golden/vllm`
const present = existsSync(folder)
if (!present) console.warn(`golden traces not found at ${folder}: the scheduler is NOT checked against them`)

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

function load(file: string): GoldenCase {
  const bytes = readFileSync(`${folder}/${file}`)
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8'))
}

const files = present ? readdirSync(folder).filter((name) => /^[sl]_.*\.json(\.gz)?$/.test(name)) : []

describe.skipIf(!present)('the scheduler decides as recorded from vLLM V1', () => {
  test('all 87 recorded cases are there', () => {
    expect(files).toHaveLength(87)
  })

  test.each(files)('%s: every decision, block, total and request is equal', (file) => {
    expect(replayCase(load(file), sha256)).toMatchObject({ matched: true })
  })

  test('a falsified record is reported at the step that was falsified', () => {
    const golden = load('s_single_request.json')
    const steps = golden.expect.steps.map((step, i) => (i === 3 ? { ...step, free: [0, 0] } : step))
    const falsified = { ...golden, expect: { ...golden.expect, steps, digest: 'other' } } as GoldenCase
    expect(replayCase(falsified, sha256)).toMatchObject({
      matched: false,
      decisionsMatch: false,
      blocksMatch: true,
      firstDifference: { what: 'decisions', step: 3 },
    })
  })
})
