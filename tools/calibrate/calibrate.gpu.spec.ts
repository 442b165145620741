import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { calibrationLineSchema, parseDocument } from '@kvasir/contracts'

const program = fileURLToPath(new URL('measure.py', import.meta.url))
const python = process.env['KVASIR_PYTHON'] ?? 'python3'

/** Runs only with KVASIR_GPU set; then a machine without PyTorch or a GPU fails it. */
describe('measure.py', () => {
  it.each(['product', 'decode_attention', 'prefill_attention', 'copy'])(
    'measures a few points of kind %s',
    { timeout: 300_000 },
    (kind) => {
      const run = spawnSync(python, [program, '--quick', '--only', kind, '--points', '2'], {
        encoding: 'utf8',
      })
      expect(run.status, run.stderr).toBe(0)
      const [device, ...points] = run.stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
      expect(device).toMatchObject({ kind: 'device' })
      expect(points).toHaveLength(2)
      for (const point of points) expect(parseDocument(calibrationLineSchema, point).kind).toBe('parsed')
    },
  )
})
