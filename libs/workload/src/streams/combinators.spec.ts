import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RequestRecord } from '../request.js'
import {
  clipLength,
  limit,
  mergeByArrival,
  repeatEndToEnd,
  scaleRate,
  sortByArrival,
  streamOf,
  takeAll,
  withIdPrefix,
} from './combinators.js'

function request(id: string, arrivalUs: number, rest: Partial<RequestRecord> = {}): RequestRecord {
  return {
    id,
    arrivalUs,
    model: undefined,
    promptTokens: 10,
    outputTokens: 5,
    priority: 0,
    tenant: undefined,
    deadlineUs: undefined,
    session: undefined,
    prefixBlocks: undefined,
    prefixBlockTokens: 0,
    ...rest,
  }
}

const arrivalsOf = (records: readonly RequestRecord[]) => records.map(({ arrivalUs }) => arrivalUs)
const sortedTimes = fc.array(fc.nat(1_000), { maxLength: 12 }).map((times) => times.toSorted((a, b) => a - b))

describe('mergeByArrival', () => {
  it('loses nothing, keeps the order, and puts the earlier stream first on a tie', () => {
    fc.assert(
      fc.property(fc.array(sortedTimes, { maxLength: 4 }), (times) => {
        const streams = times.map((list, s) => list.map((us, i) => request(`${s}/${i}`, us)))
        const merged = takeAll(mergeByArrival(streams.map(streamOf)))
        const expected = streams.flat().toSorted((a, b) => a.arrivalUs - b.arrivalUs)
        expect(merged).toEqual(expected)
      }),
    )
  })
})

describe('limit', () => {
  it('passes on so many and pulls no more', () => {
    let pulled = 0
    const counting = { next: () => request(`r${pulled++}`, pulled) }
    expect(takeAll(limit(counting, 3))).toHaveLength(3)
    expect(pulled).toBe(3)
    expect(takeAll(limit(streamOf([request('a', 0)]), 3))).toHaveLength(1)
  })
})

describe('repeatEndToEnd', () => {
  const records = [
    request('a', 100, { deadlineUs: 150, session: 's', prefixBlocks: [0, 7], prefixBlockTokens: 8 }),
    request('b', 300),
  ]

  it('shifts times and deadlines, and makes ids, sessions and prefix blocks new', () => {
    expect(takeAll(repeatEndToEnd(records, 2))).toEqual([
      ...records,
      request('a#1', 500, { deadlineUs: 550, session: 's#1', prefixBlocks: [8, 15], prefixBlockTokens: 8 }),
      request('b#1', 700),
    ])
  })

  it('keeps prefix blocks and takes another period on request', () => {
    const repeated = takeAll(repeatEndToEnd(records, 3, { periodUs: 1_000, samePrefixes: true }))
    expect(arrivalsOf(repeated)).toEqual([100, 300, 1_100, 1_300, 2_100, 2_300])
    expect(repeated[4]?.prefixBlocks).toEqual([0, 7])
    expect(() => repeatEndToEnd(records, 2, { periodUs: 199 })).toThrow('shorter')
  })

  it('keeps the rate and the order, and gives every request an id of its own', () => {
    fc.assert(
      fc.property(sortedTimes, fc.integer({ min: 0, max: 4 }), (times, count) => {
        const repeated = takeAll(
          repeatEndToEnd(
            times.map((us, i) => request(`r${i}`, us)),
            count,
          ),
        )
        expect(repeated).toHaveLength(times.length * count)
        expect(new Set(repeated.map(({ id }) => id)).size).toBe(repeated.length)
        expect(arrivalsOf(repeated)).toEqual(arrivalsOf(repeated).toSorted((a, b) => a - b))
      }),
    )
  })
})

describe('scaleRate', () => {
  it('divides arrivals and keeps the time to the deadline', () => {
    const scaled = takeAll(
      scaleRate(streamOf([request('a', 100, { deadlineUs: 130 }), request('b', 201)]), 2),
    )
    expect(scaled.map(({ arrivalUs, deadlineUs }) => [arrivalUs, deadlineUs])).toEqual([
      [50, 80],
      [101, undefined],
    ])
    expect(() => scaleRate(streamOf([]), 0)).toThrow('not above 0')
  })
})

describe('clipLength', () => {
  it('never exceeds the total, leaves a token of output, and counts what it changed', () => {
    const length = fc.integer({ min: 1, max: 50 })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(length, length)),
        fc.integer({ min: 2, max: 60 }),
        (pairs, maxTotalTokens) => {
          const before = pairs.map(([promptTokens, outputTokens], i) =>
            request(`r${i}`, i, { promptTokens, outputTokens }),
          )
          const stream = clipLength(streamOf(before), { maxTotalTokens })
          const after = takeAll(stream)
          expect(after.every((r) => r.promptTokens >= 1 && r.outputTokens >= 1)).toBe(true)
          expect(after.every((r) => r.promptTokens + r.outputTokens <= maxTotalTokens)).toBe(true)
          expect(stream.clipped).toBe(after.filter((r, i) => r !== before[i]).length)
        },
      ),
    )
  })

  it('keeps only whole prefix blocks of a shortened prompt, and all of one that stays', () => {
    const blocks = { promptTokens: 20, outputTokens: 5, prefixBlocks: [1, 2, 3], prefixBlockTokens: 8 }
    const clip = (maxTotalTokens: number) =>
      clipLength(streamOf([request('a', 0, blocks)]), { maxTotalTokens }).next()
    expect(clip(18)).toMatchObject({ promptTokens: 17, outputTokens: 1, prefixBlocks: [1, 2] })
    expect(clip(22)).toMatchObject({ promptTokens: 20, outputTokens: 2, prefixBlocks: [1, 2, 3] })
  })
})

describe('sortByArrival', () => {
  it('is stable and lets nothing arrive before 0', () => {
    const records = [request('a', 5), request('b', -10), request('c', 5, { deadlineUs: 7 })]
    expect(sortByArrival(records)).toEqual([
      request('b', 0),
      request('a', 15),
      request('c', 15, { deadlineUs: 17 }),
    ])
    expect(arrivalsOf(sortByArrival([request('a', 5), request('b', 3)]))).toEqual([3, 5])
  })
})

describe('withIdPrefix', () => {
  it('tells the requests of two streams apart', () => {
    expect(takeAll(withIdPrefix(streamOf([request('a', 1)]), 'x/'))).toEqual([request('x/a', 1)])
  })
})
