import { describe, expect, it } from 'vitest'
import { checkClients } from './client-checks.js'
import type { RequestRecord } from './client-load.js'
import { faultKinds, scheduleFaults } from './fault-schedule.js'

const finished: RequestRecord = {
  id: 'r',
  model: 'm',
  prompt: 'q',
  maxTokens: 2,
  priority: 0,
  sentMs: 1_000,
  endedMs: 2_000,
  text: ' one two',
  tokensSaid: 2,
  end: { kind: 'finished' },
}

function broken(changes: Partial<RequestRecord>, down: { fromMs: number; toMs: number }[] = []): number {
  return checkClients([finished, { ...finished, ...changes }], down).flatMap((check) => check.violations)
    .length
}

describe('the checks of what clients saw', () => {
  it('find nothing where answers are whole or end with a reason', () => {
    expect(broken({})).toBe(0)
    expect(broken({ text: ' one', end: { kind: 'ended', code: 'engine_lost' } })).toBe(0)
    expect(broken({ text: '', end: { kind: 'refused', status: 429, code: 'queue_full' } })).toBe(0)
  })

  it('see a token that is missing or doubled, and another answer to the same question', () => {
    expect(broken({ text: ' one' })).toBe(1)
    expect(broken({ text: ' one one two' })).toBe(2)
    expect(broken({ text: ' one ace' })).toBe(1)
  })

  it('see a request without an end, and one that is lost before it began to stream', () => {
    expect(broken({ text: ' one', end: { kind: 'none' } })).toBe(1)
    expect(broken({ text: '', end: { kind: 'refused', status: 503, code: 'no_engine' } })).toBe(1)
    expect(broken({ text: '', end: { kind: 'broken', detail: 'reset' } })).toBe(2)
    const whileDown = [{ fromMs: 1_500, toMs: 3_000 }]
    expect(broken({ text: '', end: { kind: 'broken', detail: 'reset' } }, whileDown)).toBe(0)
  })
})

describe('the schedule of faults', () => {
  it('has every kind, within the run, and is the same for the same seed', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const faults = scheduleFaults(seed, 120)
      expect(new Set(faults.map(({ kind }) => kind)).size, `seed ${seed}`).toBe(faultKinds.length)
      expect(
        faults.filter(({ kind }) => kind.startsWith('redis')),
        `seed ${seed}`,
      ).toHaveLength(2)
      expect(faults.every(({ atMs }) => atMs > 10_000 && atMs < 105_000)).toBe(true)
      expect(scheduleFaults(seed, 120)).toEqual(faults)
    }
    expect(scheduleFaults(1, 120)).not.toEqual(scheduleFaults(2, 120))
  })
})
