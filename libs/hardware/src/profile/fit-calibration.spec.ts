import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { SeededRng } from '@kvasir/kernel'
import { describe, expect, it } from 'vitest'
import { decodeLayerUs, groupedLayer, prefillLayerUs } from '../attention-layer.js'
import { knownGpu } from '../gpu.js'
import { knownModel } from '../model.js'
import { allReduceUs, productUs } from '../rank-rates.js'
import { createStepCost } from '../step-cost.js'
import { decodeShape, prefillShape } from '../step-shape.js'
import type { CalibrationPoint } from './calibration-sets.js'
import { fitCalibration } from './fit-calibration.js'
import { MeasuredTable } from './measured-table.js'
import { plainRank } from './measured-sets.js'

const SEED = 20261121
const gpu = knownGpu('H200')
const header = {
  gpu: gpu.name,
  measuredWith: 'a spec',
  source: 'simulated by the roofline',
  fittedOn: '2026-11-21',
}

/** A GPU on which every kernel takes what its roofline says times `ratio`, give or take `noise`. */
function simulated(ratio: number, noise: number): readonly CalibrationPoint[] {
  const rng = new SeededRng(SEED, 'calibration')
  const rank = plainRank(gpu, 1)
  const us = (exact: number) => exact * ratio * (1 + noise * (2 * rng.uniform() - 1))
  const points: CalibrationPoint[] = []
  const sizes = [1024, 4096, 6144, 14_336, 28_672, 131_072]
  const dtype = 'bf16'
  for (const outputs of sizes)
    for (const inputs of [4096, 14_336])
      for (let tokens = 1; tokens <= 8192; tokens *= 2) {
        const matrix = { name: 'm', outputs, inputs, copies: 1, copiesPerToken: 1, dtype } as const
        points.push({
          kind: 'product',
          dtype,
          outputs,
          inputs,
          tokens,
          us: us(productUs(rank, matrix, tokens)),
        })
      }
  for (let sequences = 1; sequences <= 256; sequences *= 4)
    for (let tokens = 64; tokens <= 16_384; tokens *= 4)
      for (const [queryHeads, kvHeads] of [
        [32, 8],
        [8, 1],
      ]) {
        const shape = { kvDtype: 'bf16', headDim: 128, queryHeads, kvHeads } as const
        const layer = groupedLayer(shape)
        const contextTokens = sequences * tokens
        const decode = decodeLayerUs(rank, layer, { sequences, contextTokens })
        points.push({ kind: 'decode_attention', ...shape, sequences, tokens, us: us(decode) })
        const pairs = (contextTokens * (tokens + 1)) / 2
        const prefill = prefillLayerUs(rank, layer, { tokens: contextTokens, contextTokens, pairs })
        points.push({ kind: 'prefill_attention', ...shape, sequences, tokens, us: us(prefill) })
      }
  for (let bytes = 1024; bytes <= 1 << 28; bytes *= 4)
    points.push({ kind: 'all_reduce', gpus: 4, bytes, us: us(allReduceUs(plainRank(gpu, 4), bytes)) })
  return points
}

function within(actual: number, expected: number, share: number): void {
  expect(Math.abs(actual / expected - 1)).toBeLessThan(share)
}

describe('fitCalibration', () => {
  it(`recovers a GPU that is slower than its roofline from noisy points (seed ${SEED})`, () => {
    const profile = fitCalibration(header, simulated(1.3, 0.02))
    for (const { fit } of [...profile.products, ...profile.decodeAttention, ...profile.allReduce])
      expect(fit.error).toBeLessThan(0.02)
    const model = knownModel('Llama-3.1-8B')
    const measured = createStepCost({ gpu, model, tp: 1, profile })
    const plain = createStepCost({ gpu, model, tp: 1, basis: 'roofline' })
    expect(measured.source).toEqual({ kind: 'profile', gpu: 'H200' })
    for (const shape of [
      decodeShape({ sequences: 16, contextTokens: 1024 }),
      prefillShape({ tokens: 2048, computedTokens: 0 }),
    ]) {
      const [own, line] = [measured.breakdown(shape), plain.breakdown(shape)]
      within(own.attentionUs, 1.3 * line.attentionUs, 0.03)
    }
  })

  it('fits a launch and a rate to copies, by the slower direction', () => {
    const points = [1 << 16, 1 << 20, 1 << 24, 1 << 28].flatMap((bytes): CalibrationPoint[] => [
      { kind: 'copy', direction: 'out', bytes, us: 12 + bytes / 50_000 },
      { kind: 'copy', direction: 'in', bytes, us: 10 + bytes / 55_000 },
    ])
    const { copies } = fitCalibration(header, points)
    if (copies === undefined) throw new Error('there are copies')
    within(copies.fixedUs, 12, 0.01)
    within(copies.bytesPerSecond, 50e9, 0.01)
    expect(copies.fit).toEqual({ points: 4, error: 0 })
    expect(fitCalibration(header, []).copies).toBeUndefined()
  })

  it('leaves to the nearest profile what was not measured', () => {
    const shape = prefillShape({ tokens: 2048, computedTokens: 0 })
    const model = knownModel('Llama-3.1-8B')
    const shipped = createStepCost({ gpu, model, tp: 1 }).breakdown(shape)
    const nothing = createStepCost({ gpu, model, tp: 1, profile: fitCalibration(header, []) })
    expect(nothing.breakdown(shape)).toEqual(shipped)
    const products = simulated(3, 0).filter(({ kind }) => kind === 'product')
    const own = createStepCost({ gpu, model, tp: 1, profile: fitCalibration(header, products) })
    expect(own.breakdown(shape).attentionUs).toBe(shipped.attentionUs)
    expect(own.breakdown(shape).layersUs).toBeGreaterThan(1.5 * shipped.layersUs)
  })

  it('is refused for another kind of GPU', () => {
    const profile = fitCalibration(header, [])
    const model = knownModel('Llama-3.1-8B')
    expect(() => createStepCost({ gpu: knownGpu('H100'), model, tp: 1, profile })).toThrow(
      'a profile of H200 says nothing of H100',
    )
  })
})

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../../..')
const profiles = join(process.env['KVASIR_SHARED'] ?? join(repository, '../shared'), 'data/profiles')
const file = join(profiles, 'aic_h100_sxm_vllm_gemm.csv.gz')
const present = existsSync(file)
if (!present) console.warn(`SKIPPED: no measured kernels at ${profiles}; set KVASIR_SHARED`)

describe.skipIf(!present)('fitCalibration on published points of an H100', () => {
  it('keeps the ceiling of the shipped fit for products in bf16', () => {
    const table = MeasuredTable.parse(gunzipSync(readFileSync(file)).toString())
    const points = Array.from({ length: table.length }, (_, row): CalibrationPoint | undefined => {
      if (table.text(row, 'gemm_dtype') !== 'bfloat16') return undefined
      const [tokens, outputs, inputs] = ['m', 'n', 'k'].map((column) => table.number(row, column))
      return { kind: 'product', dtype: 'bf16', outputs, inputs, tokens, us: table.number(row, 'us') }
    }).filter((point) => point !== undefined)
    // What a calibration measures: powers of two, not every size at which kernels change tiles.
    const few = points.filter(
      (point) => point.kind === 'product' && Math.log2(point.tokens) % 1 === 0 && point.outputs >= 512,
    )
    expect(few.length).toBeGreaterThan(500)
    const { products } = fitCalibration({ ...header, gpu: 'H100' }, few)
    expect(products.map(({ dtype }) => dtype)).toEqual(['bf16'])
    expect(products[0].fit.points).toBe(few.length)
    expect(products[0].fit.error).toBeLessThan(0.05)
  })
})
