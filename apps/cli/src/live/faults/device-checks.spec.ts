import type { DeviceEvent } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { checkGroups } from './device-checks.js'

const began = { kind: 'began', total: 10, epoch: 0, nonce: 0, tenants: [] } as const
const fence = (epoch: number, nonce = 1) => ({ kind: 'fence', epoch, nonce }) as const
const open = (engine: string, incarnation = 1) => ({ kind: 'open', engine, incarnation }) as const
const map = (engine: string, bundles: number[], epoch = 1, incarnation = 1) =>
  ({ kind: 'map', engine, incarnation, epoch, bundles }) as const

function violations(events: readonly DeviceEvent[]): readonly string[] {
  const text = events.map((event) => `${JSON.stringify({ atMs: 0, event })}\n`).join('')
  return checkGroups([{ pool: 'p', text }]).flatMap((check) => check.violations)
}

const sound = [
  began,
  fence(1),
  open('a'),
  open('b'),
  map('a', [0, 1]),
  map('b', [2]),
  { kind: 'unmap', engine: 'a', incarnation: 1, bundles: [1] },
  map('b', [1]),
  fence(2),
  map('a', [3], 2),
] as const

describe('the checks of what groups recorded', () => {
  it('find nothing in a sound history', () => {
    expect(violations(sound)).toEqual([])
    expect(violations([...sound, open('a', 2), map('b', [0, 3], 2)])).toEqual([])
  })

  it('see a bundle that two engines have', () => {
    expect(violations([...sound, map('b', [3], 2)])).toEqual(['p: bundle 3 of a was mapped by b'])
  })

  it('see what is done under an older epoch, by an older run, or by two owners of one epoch', () => {
    expect(violations([...sound, map('a', [4], 1)])).toHaveLength(1)
    expect(violations([...sound, map('a', [4], 2, 0)])).toHaveLength(1)
    expect(violations([...sound, fence(2, 9)])).toHaveLength(1)
    expect(violations([...sound, fence(1)])).toHaveLength(1)
  })

  it('see a group that has forgotten what it answered, and forgive the one change it had not', () => {
    const tenants = (bundles: number[]) => [
      { engine: 'a', incarnation: 1, share: 1, blockBytesPerRank: 1, bundles },
      { engine: 'b', incarnation: 1, share: 1, blockBytesPerRank: 1, bundles: [1, 2] },
    ]
    const again = (bundles: number[], epoch = 2) =>
      ({ ...began, epoch, nonce: 1, tenants: tenants(bundles) }) as const
    expect(violations([...sound, again([0, 3])])).toEqual([])
    expect(violations([...sound, again([0, 3, 4])])).toEqual([])
    expect(violations([...sound, again([0, 3], 1)])).toHaveLength(1)
    expect(violations([...sound, { ...again([0, 3]), tenants: [] }])).toHaveLength(1)
  })
})
