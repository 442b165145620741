import { describe, expect, test } from 'vitest'
import { gpuByName, groupLink, knownGpu, matrixFlopsPerSecond } from './gpu.js'
import { gpus } from './gpu-catalogue.js'

describe('the GPU catalogue', () => {
  test.each(gpus.map((gpu) => [gpu.name, gpu] as const))(
    'describes %s with numbers of the right size',
    (_, gpu) => {
      expect(gpu.memoryBytes).toBeGreaterThan(20e9)
      expect(gpu.memoryBytes).toBeLessThan(200e9)
      expect(gpu.memoryBytesPerSecond).toBeGreaterThanOrEqual(300e9)
      expect(gpu.peerLink.bytesPerSecond).toBeLessThan(gpu.memoryBytesPerSecond)
      expect(gpu.hostLink.bytesPerSecond).toBeLessThanOrEqual(gpu.peerLink.bytesPerSecond)
      // Every byte of memory is read in well under a second; a slip of a power of ten would show.
      expect(gpu.memoryBytes / gpu.memoryBytesPerSecond).toBeLessThan(0.1)
      const { bf16, fp8 = 2 * bf16, int8 = 2 * bf16 } = gpu.flopsPerSecond
      expect(fp8 / bf16).toBeCloseTo(2, 1)
      // GeForce cards halve what accumulates in 32 bit, so whole numbers are four times as fast.
      expect(int8 / bf16).toBeCloseTo(gpu.name.startsWith('RTX-4') ? 4 : 2, 1)
    },
  )

  test('has 8-bit floating point from Ada on, not before', () => {
    for (const gpu of gpus) expect(gpu.flopsPerSecond.fp8 !== undefined).toBe(gpu.architecture !== 'ampere')
  })

  test.each([
    ['h100-80gb-sxm', 'H100'],
    ['h200', 'H200'],
    ['A100', 'A100-80GB'],
    ['a100-40gb', 'A100-40GB'],
    ['gh200', 'H100-96GB'],
    ['l40s', 'L40S'],
  ])('finds %s as %s', (spelling, name) => {
    expect(knownGpu(spelling).name).toBe(name)
  })

  test('refuses an unknown GPU and names the near ones', () => {
    const lookup = gpuByName('H10')
    expect(lookup).toMatchObject({ kind: 'unknown_gpu', name: 'H10' })
    if (lookup.kind === 'unknown_gpu') expect(lookup.near).toContain('H100')
    expect(() => knownGpu('tpu-v5')).toThrow('no GPU tpu-v5')
  })
})

test('multiplies 8-bit weights at the 16-bit rate where there are no tensor cores for them', () => {
  const a100 = knownGpu('A100')
  expect(matrixFlopsPerSecond(a100, 'fp8')).toBe(a100.flopsPerSecond.bf16)
  expect(matrixFlopsPerSecond(knownGpu('H100'), 'fp8')).toBe(1979e12)
})

test('joins more GPUs than a bridge spans over PCI Express', () => {
  const a30 = knownGpu('A30')
  expect(groupLink(a30, 2)).toMatchObject({ kind: 'nvlink', bytesPerSecond: 100e9 })
  expect(groupLink(a30, 4)).toMatchObject({ kind: 'pcie', bytesPerSecond: 32e9 })
  expect(groupLink(knownGpu('H100'), 8)).toMatchObject({ kind: 'nvlink', bytesPerSecond: 450e9 })
})
