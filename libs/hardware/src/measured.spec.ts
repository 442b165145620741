import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { type HostPreset, hostPresets } from './host-preset.js'
import { knownModel, type Model } from './model.js'
import { createStepCost } from './step-cost.js'
import { combineShapes, decodeShape, emptyShape, prefillShape } from './step-shape.js'

/*
 * Guards against slips of a factor, not a calibration: measured steps and runs of real engines, which this repository does not
 * carry. Ceilings are what was found when this was written, rounded up.
 */
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const profiles = join(process.env['KVASIR_SHARED'] ?? join(repository, '../shared'), 'data/profiles')
const present = existsSync(join(profiles, 'splitwise_perf_model.csv.gz'))
if (!present) console.warn(`SKIPPED: no measured profiles at ${profiles}; set KVASIR_SHARED`)

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

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]
}

describe.skipIf(!present)('against the DGX table of Splitwise (Llama-2-70B, eager engine of 2023)', () => {
  const machines = [
    { hardware: 'h100-80gb', gpu: 'H100', prefill: 0.12, decode: 0.05 },
    { hardware: 'a100-80gb', gpu: 'A100', prefill: 0.14, decode: 0.06 },
  ]
  test.each(machines)('$gpu: prefill within $prefill and decode within $decode in the mean', (machine) => {
    const errors = splitwiseErrors(machine.hardware, machine.gpu)
    expect(errors.prefill.length).toBeGreaterThan(30)
    expect(mean(errors.prefill)).toBeLessThan(machine.prefill)
    expect(errors.decode.length).toBeGreaterThan(50)
    expect(mean(errors.decode)).toBeLessThan(machine.decode)
  })
})

function splitwiseErrors(hardware: string, gpu: string) {
  const prefillMillis = new Map<string, number[]>()
  const decodeMillis = new Map<string, number[]>()
  for (const row of read('splitwise_perf_model.csv.gz')) {
    if (row.get('model') !== 'llama2-70b' || row.get('hardware') !== hardware) continue
    const [tp, prompt, batch, output] = ['tensor_parallel', 'prompt_size', 'batch_size', 'token_size'].map(
      (column) => number(row, column),
    )
    // Its prompts did not fit into KV memory (README of the profiles).
    if (tp === 2 && batch >= 64) continue
    append(prefillMillis, `${tp},${prompt},${batch}`, number(row, 'prompt_time'))
    append(decodeMillis, `${tp},${prompt},${batch},${output}`, number(row, 'token_time'))
  }
  const costs = new Map(
    [2, 4, 8].map((tp) => [
      tp,
      createStepCost({
        gpu: knownGpu(gpu),
        model: knownModel('Llama-2-70B'),
        tp,
        host: hostPresets['eager-2023'],
      }),
    ]),
  )
  const error = (key: string, millis: readonly number[], decode: boolean) => {
    const [tp, prompt, batch, output] = key.split(',').map(Number)
    const shape = decode
      ? decodeShape({ sequences: batch, contextTokens: prompt + output / 2 })
      : Array.from({ length: batch }, () => prefillShape({ tokens: prompt })).reduce(
          combineShapes,
          emptyShape,
        )
    return Math.abs((costs.get(tp)?.stepUs(shape) ?? Number.NaN) / 1000 / median(millis) - 1)
  }
  return {
    prefill: [...prefillMillis].map(([key, millis]) => error(key, millis, false)),
    decode: [...decodeMillis].map(([key, millis]) => error(key, millis, true)),
  }
}

function append(map: Map<string, number[]>, key: string, value: number): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
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
