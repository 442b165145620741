import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { MeasuredTable } from './measured-table.js'
import { type SetAccuracy, validateKernels } from './validate-kernels.js'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
const profiles = join(process.env['KVASIR_SHARED'] ?? join(repository, '../shared'), 'data/profiles')
const files = [
  'aic_h100_sxm_vllm_gemm',
  'aic_h100_sxm_vllm_attn_generation',
  'aic_h100_sxm_vllm_attn_context',
  'aic_h100_sxm_vllm_moe',
  'aic_a100_sxm_vllm_gemm',
  'aic_a100_sxm_vllm_attn_generation',
  'aic_a100_sxm_vllm_attn_context',
  'aic_a100_sxm_vllm_moe',
  'aic_collectives',
  'splitwise_perf_model',
]
const present = files.every((file) => existsSync(join(profiles, `${file}.csv.gz`)))
if (!present) console.warn(`SKIPPED: no measured kernels at ${profiles}; set KVASIR_SHARED`)

function read(file: string): MeasuredTable {
  return MeasuredTable.parse(gunzipSync(readFileSync(join(profiles, `${file}.csv.gz`))).toString())
}

const of = (sets: readonly SetAccuracy[], name: string, heldOut?: string) => {
  const found = sets.find((set) => set.set === name && set.heldOut === heldOut)
  if (found === undefined) throw new Error(`no set ${name}, ${heldOut}`)
  return found.mape
}

test('validates nothing where no table is given', () => {
  expect(validateKernels(new Map())).toEqual([])
})

describe.skipIf(!present)('against measured kernels', () => {
  test('keeps every ceiling, and predicts what was kept from the fit nearly as well', {
    timeout: 120_000,
  }, () => {
    const sets = validateKernels(new Map(files.map((file) => [file, read(file)])))

    const asserted = sets.filter((set) => set.ceiling !== undefined)
    expect(asserted).toHaveLength(15)
    for (const set of asserted) expect(set.mape, set.set).toBeLessThanOrEqual(set.ceiling ?? 0)

    // Held out; what was found, rounded up.
    const shape = 'every fifth shape'
    expect(of(sets, 'H100 products bf16', shape)).toBeLessThan(0.05)
    expect(of(sets, 'H100 products fp8', shape)).toBeLessThan(0.07)
    const heads = 'every third number of query heads'
    expect(of(sets, 'H100 decode attention, head 128, KV bf16', heads)).toBeLessThan(0.025)
    expect(of(sets, 'H100 prefill attention, head 128, KV bf16', heads)).toBeLessThan(0.05)
    expect(of(sets, 'H100 experts bf16', 'each model in turn')).toBeLessThan(0.16)
    expect(of(sets, 'H100 all-reduce', 'vLLM 0.14 and 0.19')).toBeLessThan(0.05)
    expect(of(sets, 'H100 all-reduce', 'H200, by the profile of H100')).toBeLessThan(0.05)
    expect(of(sets, 'H100 DGX steps, decode', 'TP 2, by the other two')).toBeLessThan(0.08)
    expect(of(sets, 'H100 DGX steps, prefill', 'TP 4, by the other two')).toBeLessThan(0.05)
  })
})
