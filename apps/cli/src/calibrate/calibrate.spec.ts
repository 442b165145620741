import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BadInput } from '../bad-input.js'
import { readKernelProfile } from '../input/kernel-profile.js'
import { StepPredictor } from '../predict/predict-step.js'
import { calibrate } from './calibrate.js'
import { catalogueName } from './catalogue-name.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kvasir-calibrate-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const device = {
  kind: 'device',
  name: 'NVIDIA H100 80GB HBM3',
  gpus: 1,
  multiprocessors: 132,
  memoryBytes: 85_000_000_000,
  torch: '2.9.0',
  cuda: '13.0',
  attention: 'flash-attn 2.8',
}
const points = [1, 16, 256, 4096].flatMap((tokens) =>
  [4096, 28_672].map((outputs) => ({
    kind: 'product',
    dtype: 'bf16',
    outputs,
    inputs: 4096,
    tokens,
    us: 200 + (tokens * outputs) / 1e4,
    spread: 0.01,
  })),
)

function pointsFile(...lines: readonly unknown[]): string {
  const path = join(folder, 'points.jsonl')
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n'))
  return path
}

async function problemOf(...args: readonly string[]): Promise<string> {
  try {
    await calibrate(args, '2026-11-21')
  } catch (error) {
    if (error instanceof BadInput) return error.message
    throw error
  }
  return ''
}

describe('calibrate', () => {
  it('says what is missing on a machine without a GPU, and writes nothing', async () => {
    vi.stubEnv('PATH', folder)
    const out = join(folder, 'profile.json')
    expect(await problemOf('--out', out)).toContain(
      'no NVIDIA GPU is here: nvidia-smi is missing or finds none',
    )
    expect(existsSync(out)).toBe(false)
  })

  it.each([
    [[], '--out is missing; it must name a file'],
    [['--out', 'x.csv'], '--out is "x.csv"; its name must end in .json or .ts'],
    [['--out', 'x.json', '--points', 'none'], 'none: no such file'],
    [['--speed'], "Unknown option '--speed'"],
  ])('refuses %j in a sentence', async (args, sentence) => {
    expect(await problemOf(...args)).toContain(sentence)
  })

  it('fits what was measured elsewhere into a profile that predictions are made with', async () => {
    const out = join(folder, 'profile.json')
    const text = await calibrate(['--out', out, '--points', pointsFile(device, ...points)], '2026-11-21')
    expect(text).toContain('profile of H100')
    expect(text).toContain('decode attention: not measured, those of the nearest profile')
    const profile = readKernelProfile(out)
    expect(profile).toMatchObject({
      gpu: 'H100',
      source: 'tools/calibrate on 1 x NVIDIA H100 80GB HBM3',
      fittedOn: '2026-11-21',
      products: [{ dtype: 'bf16', fit: { points: points.length } }],
    })
    const question = {
      gpu: 'h100',
      model: 'llama-3.1-8b',
      tp: 1,
      host: 'none',
      basis: 'profile',
      decode: [{ sequences: 16, contextTokens: 100 }],
      prefill: [],
    } as const
    const own = new StepPredictor([profile]).answer(question)
    const shipped = new StepPredictor().answer(question)
    // 200 us at least for a product: far slower than a real H100.
    expect(own.parts.layersUs).toBeGreaterThan(3 * shipped.parts.layersUs)
    expect(own.parts.attentionUs).toBe(shipped.parts.attentionUs)
    const module = join(folder, 'h100.ts')
    await calibrate(['--out', module, '--points', pointsFile(device, ...points)], '2026-11-21')
    expect(readFileSync(module, 'utf8')).toContain('export const h100: KernelProfile = {')
  })

  it('refuses points by line, and a GPU that the catalogue does not have', async () => {
    const out = join(folder, 'profile.json')
    const fitted = (...lines: readonly unknown[]) => problemOf('--out', out, '--points', pointsFile(...lines))
    expect(await fitted(device, { ...points[0], us: -1 })).toContain('line 2: us is -1; it must be')
    expect(await fitted(...points)).toContain('no line is of kind "device"')
    expect(await fitted(device)).toContain('there is no point')
    const other = { ...device, name: 'NVIDIA Quantum 9' }
    expect(await fitted(other, ...points)).toContain('the GPU is "NVIDIA Quantum 9"')
    expect(existsSync(out)).toBe(false)
    const named = ['--out', out, '--points', pointsFile(other, ...points), '--gpu', 'h200']
    expect(await calibrate(named, '2026-11-21')).toContain('profile of H200')
  })

  it.each([
    ['NVIDIA H100 80GB HBM3', 'H100'],
    ['NVIDIA H200', 'H200'],
    ['NVIDIA A100-SXM4-80GB', 'A100-80GB'],
    ['NVIDIA A100-SXM4-40GB', 'A100-40GB'],
    ['NVIDIA GeForce RTX 4090', 'RTX-4090'],
    ['NVIDIA L4', 'L4'],
    ['NVIDIA L40S', 'L40S'],
  ])('knows %s as %s', (driver, name) => {
    expect(catalogueName(driver)).toBe(name)
  })
})
