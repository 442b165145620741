import { describe, expect, test } from 'vitest'
import { kvGeometry, PAGE_BYTES, PAGES_PER_BUNDLE_DEFAULT, pagesPerBundleFor } from './kv-geometry.js'
import { knownModel } from './model.js'
import { models } from './model-catalogue.js'
import { splitRefusal } from './tensor-parallel.js'

describe('kvGeometry', () => {
  test('lays six blocks of Llama-3-70B on four ranks into a default bundle and reports the rest as waste', () => {
    expect(kvGeometry({ model: knownModel('Llama-3-70B'), tp: 4, blockSize: 16 })).toEqual({
      kind: 'fits',
      blockBytesPerRank: (327_680 / 4) * 16,
      bundleBytesPerRank: 8 * 1024 * 1024,
      blocksPerBundle: 6,
      tokensPerBundle: 96,
      wasteBytesPerBundle: 8 * 1024 * 1024 - 6 * 1_310_720,
    })
  })

  test('fills a bundle exactly with blocks of Llama-3-8B', () => {
    const geometry = kvGeometry({ model: knownModel('Llama-3-8B'), tp: 1, blockSize: 16 })
    expect(geometry).toMatchObject({ kind: 'fits', blocksPerBundle: 4, wasteBytesPerBundle: 0 })
  })

  test('refuses by name a model whose block does not fit, and says which bundle would hold it', () => {
    expect(kvGeometry({ model: knownModel('Llama-3-70B'), tp: 1, blockSize: 32 })).toEqual({
      kind: 'refused',
      reason: 'block_exceeds_bundle',
      model: 'Llama-3-70B',
      blockBytesPerRank: 327_680 * 32,
      bundleBytesPerRank: 8 * 1024 * 1024,
      pagesPerBundleNeeded: 8,
    })
  })

  test('refuses a split the heads do not allow', () => {
    const model = knownModel('DeepSeek-R1-Distill-Qwen-7B')
    expect(kvGeometry({ model, tp: 8, blockSize: 16 })).toMatchObject({ reason: 'heads_not_divisible' })
  })

  test.each([0, -16, 1.5])('never accepts a block of %d tokens', (blockSize) => {
    expect(() => kvGeometry({ model: knownModel('Llama-3-8B'), tp: 1, blockSize })).toThrow('at least 1')
  })

  test('accounts for every byte of a bundle, for every model, split and block size', () => {
    for (const model of models) {
      for (const tp of [1, 2, 4, 8]) {
        if (splitRefusal(model, tp) !== undefined) continue
        for (const blockSize of [8, 16, 32, 64]) {
          const pagesPerBundle = pagesPerBundleFor([model], tp, blockSize)
          const geometry = kvGeometry({ model, tp, blockSize, pagesPerBundle })
          if (geometry.kind !== 'fits') throw new Error(`${model.name} tp ${tp} block ${blockSize}`)
          const used = geometry.blocksPerBundle * geometry.blockBytesPerRank
          expect(used + geometry.wasteBytesPerBundle).toBe(pagesPerBundle * PAGE_BYTES)
          expect(geometry.wasteBytesPerBundle).toBeLessThan(geometry.blockBytesPerRank)
          expect(geometry.tokensPerBundle).toBe(geometry.blocksPerBundle * blockSize)
        }
      }
    }
  })
})

describe('pagesPerBundleFor', () => {
  test('is the default while every block fits', () => {
    expect(pagesPerBundleFor([], 1, 16)).toBe(PAGES_PER_BUNDLE_DEFAULT)
    expect(pagesPerBundleFor([knownModel('Llama-3-8B'), knownModel('Llama-3-70B')], 4, 16)).toBe(4)
  })

  test('grows to the largest model, and no further', () => {
    for (const blockSize of [16, 32, 64, 128, 256]) {
      const pages = pagesPerBundleFor([knownModel('Llama-3-8B'), knownModel('Llama-3-70B')], 1, blockSize)
      const block = 327_680 * blockSize
      expect(Math.log2(pages) % 1).toBe(0)
      expect(pages * PAGE_BYTES).toBeGreaterThanOrEqual(block)
      if (pages > PAGES_PER_BUNDLE_DEFAULT) expect((pages / 2) * PAGE_BYTES).toBeLessThan(block)
    }
  })
})
