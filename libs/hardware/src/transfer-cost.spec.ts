import { describe, expect, test } from 'vitest'
import { knownGpu } from './gpu.js'
import { knownModel } from './model.js'
import { kvBytesPerTokenPerRank } from './model-size.js'
import { createStepCost } from './step-cost.js'
import { kvMigrationUs, recomputeUs, swapUs, wakeUpUs, weightLoadUs } from './transfer-cost.js'

const h100 = knownGpu('H100')

describe('swapUs', () => {
  test('copies nothing in no time and a gigabyte in about 20 ms over PCIe Gen5', () => {
    expect(swapUs(0, h100)).toBe(0)
    expect(swapUs(1e9, h100)).toBe(20 + Math.ceil(1e9 / 51_200))
  })

  test('has a launch that small copies do not hide', () => {
    expect(swapUs(1, h100)).toBe(21)
  })

  test('is faster over a chip-to-chip link', () => {
    expect(swapUs(1e9, knownGpu('GH200')) * 5).toBeLessThan(swapUs(1e9, h100))
  })
})

test('recompute of a long sequence costs more than its swap out and in', () => {
  const model = knownModel('Llama-3-70B')
  const cost = createStepCost({ gpu: h100, model, tp: 4 })
  const tokens = 8000
  const swap = 2 * swapUs(tokens * kvBytesPerTokenPerRank(model, 4), h100)
  expect(recomputeUs(tokens, cost)).toBeGreaterThan(swap)
  expect(recomputeUs(0, cost)).toBe(0)
})

test('loads 70B in seconds and less with more ranks', () => {
  const model = knownModel('Llama-3-70B')
  const four = weightLoadUs({ gpu: h100, model, tp: 4 })
  expect(four / 1e6).toBeGreaterThan(0.5)
  expect(four / 1e6).toBeLessThan(1)
  expect(weightLoadUs({ gpu: h100, model, tp: 8 })).toBeLessThan(four)
})

test('KV moves faster inside a node than between nodes', () => {
  const inside = kvMigrationUs(1e9, { gpu: h100, between: 'groups_of_a_node', groupSize: 4 })
  const outside = kvMigrationUs(1e9, { gpu: h100, between: 'nodes', groupSize: 4 })
  expect(inside).toBeLessThan(outside)
  expect(outside / 1e3).toBeCloseTo(25, 0)
})

test('a disk that all ranks share is slower than host memory, unless it is faster than their links', () => {
  const load = { gpu: h100, model: knownModel('Llama-3-70B'), tp: 4 }
  const host = weightLoadUs(load)
  expect(weightLoadUs({ ...load, from: 'disk' }) / 1e6).toBeCloseTo(141 / 7, 0)
  expect(weightLoadUs({ ...load, from: 'disk', diskBytesPerSecond: 1e12 })).toBe(host)
})

test('an engine wakes when its weights are back and its pages mapped, whichever is later', () => {
  const load = { gpu: h100, model: knownModel('Llama-3-8B'), tp: 1 }
  expect(wakeUpUs(load, { count: 10, mapUs: 40 })).toBe(weightLoadUs(load))
  expect(wakeUpUs(load, { count: 100_000, mapUs: 40 })).toBe(4_000_000)
})
