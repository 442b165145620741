import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { type HostPreset, hostPresets } from './host-preset.js'
import { knownModel, type Model } from './model.js'
import { createStepCost } from './step-cost.js'
import { decodeShape, prefillShape } from './step-shape.js'

/*
 * Runs of real engines, which nothing was fitted to but two constants of each host preset. The estimate is crude, so this
 * guards against slips of a factor; `kvasir validate` runs the scheduler. Ceilings are what was found, rounded up.
 */
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const profiles = join(process.env['KVASIR_SHARED'] ?? join(repository, '../shared'), 'data/profiles')
const present = existsSync(join(profiles, 'aic_e2e_silicon_hopper.csv.gz'))
if (!present) console.warn(`SKIPPED: no measured runs at ${profiles}; set KVASIR_SHARED`)

type Row = ReadonlyMap<string, string>

function read(file: string): readonly Row[] {
  const text = gunzipSync(readFileSync(join(profiles, file))).toString()
  const [head, ...lines] = text.trim().split('\n')
  const columns = head.trim().split(',')
  return lines.map((line) => {
    const values = line.trim().split(',')
    return new Map(columns.map((column, i) => [column, values[i]]))
  })
}

const number = (row: Row, column: string) => Number(row.get(column))

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

describe.skipIf(!present)('against measured time per token of closed-loop vLLM on H100', () => {
  const sets = [
    {
      path: 'Qwen/Qwen3-32B',
      model: 'Qwen3-32B',
      precision: '',
      host: hostPresets['vllm-sync'],
      ceiling: 0.08,
    },
    {
      path: 'meta-llama/Llama-3.1-70B',
      model: 'Llama-3.1-70B-FP8',
      precision: 'fp8',
      host: hostPresets['vllm-async'],
      ceiling: 0.06,
    },
  ]
  test.each(sets)('$model within $ceiling in the median', ({ path, model, precision, host, ceiling }) => {
    const errors: number[] = []
    for (const row of read('aic_e2e_silicon_hopper.csv.gz')) {
      const wanted =
        row.get('system') === 'h100_sxm' &&
        row.get('backend') === 'vllm' &&
        row.get('mode') === 'agg' &&
        row.get('model_path') === path &&
        row.get('precision') === precision &&
        number(row, 'osl') > 1
      if (wanted)
        errors.push(Math.abs(tokenMillis(row, knownModel(model), host) / number(row, 'silicon_tpot_ms') - 1))
    }
    expect(errors.length).toBeGreaterThan(40)
    expect(median(errors)).toBeLessThan(ceiling)
  })
})

/**
 * Time per token where `concurrency` clients are always in flight: a decode step of the whole batch at its mean context, and
 * the share of the others' prefills that falls between two tokens.
 */
function tokenMillis(row: Row, model: Model, host: HostPreset): number {
  const cost = createStepCost({ gpu: knownGpu('H100'), model, tp: number(row, 'tp_size'), host })
  const [input, output, clients] = ['isl', 'osl', 'concurrency'].map((column) => number(row, column))
  const decode = cost.stepUs(decodeShape({ sequences: clients, contextTokens: input + output / 2 }))
  const prefill = cost.stepUs(prefillShape({ tokens: input })) - cost.stepUs(prefillShape({ tokens: 1 }))
  return (decode + (prefill * (clients - 1)) / output) / 1000
}
