import { describe, expect, test } from 'vitest'
import { clusterPreset, clusterPresets } from './cluster.js'

function gpuCounts(name: string) {
  const lookup = clusterPreset(name)
  if (lookup.kind !== 'found') throw new Error(`${name}: ${lookup.kind}`)
  return lookup.cluster.nodes.map(({ gpus }) => `${gpus.length} ${[...new Set(gpus)].join('+')}`)
}

describe('clusterPreset', () => {
  test('fills nodes of eight', () => {
    expect(gpuCounts('h100_8gpu')).toEqual(['8 H100'])
    expect(gpuCounts('h100_64gpu')).toEqual(Array(8).fill('8 H100'))
    expect(gpuCounts('a100_16gpu')).toEqual(['8 A100-80GB', '8 A100-80GB'])
  })

  test('keeps kinds of GPU on nodes of their own', () => {
    expect(gpuCounts('mixed_8gpu')).toEqual(['4 H100', '2 A100-80GB', '2 A30'])
    expect(gpuCounts('mixed_32gpu')).toEqual(['8 H100', '8 H100', '8 A100-80GB', '4 A100-80GB', '4 A30'])
  })

  test('reads any GPU of the catalogue and any number', () => {
    expect(gpuCounts('l40s_3gpu')).toEqual(['3 L40S'])
    expect(gpuCounts('A100-40GB_12gpu')).toEqual(['8 A100-40GB', '4 A100-40GB'])
  })

  test.each(clusterPresets)('knows %s, which it offers', (name) => {
    expect(clusterPreset(name).kind).toBe('found')
  })

  test('refuses an unknown name with the known ones, and an unknown GPU with the near ones', () => {
    expect(clusterPreset('galaxy')).toEqual({
      kind: 'unknown_cluster',
      name: 'galaxy',
      known: [...clusterPresets, '<gpu>_<n>gpu'],
    })
    expect(clusterPreset('h100_0gpu').kind).toBe('unknown_cluster')
    expect(clusterPreset('h10_8gpu')).toMatchObject({ kind: 'unknown_gpu', name: 'h10' })
  })
})
