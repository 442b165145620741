import { describe, expect, it } from 'vitest'
import { limit, mergeByArrival, takeAll } from '../streams/combinators.js'
import { type Share, shareAt } from './shares.js'
import { generateRequests, type WorkloadSpec } from './workload.js'

const SPEC: WorkloadSpec = {
  name: 'mixed',
  arrivals: { kind: 'poisson', ratePerS: 100 },
  models: [
    {
      model: 'small',
      share: [
        { atS: 0, share: 1 },
        { atS: 100, share: 0 },
      ],
      lengths: {
        kind: 'independent',
        prompt: { kind: 'log_normal', mu: 5, sigma: 1 },
        output: { kind: 'uniform', min: 1, max: 100 },
      },
      labels: { priorities: [{ value: 5, weight: 1 }] },
    },
    {
      model: 'large',
      share: [
        { atS: 0, share: 0 },
        { atS: 100, share: 1 },
      ],
      lengths: {
        kind: 'pairs',
        pairs: [
          { promptTokens: 10, outputTokens: 1 },
          { promptTokens: 20, outputTokens: 2 },
        ],
      },
    },
  ],
  labels: {
    priorities: [
      { value: 0, weight: 3 },
      { value: 1, weight: 1 },
    ],
    tenants: [
      { value: 'a', weight: 1 },
      { value: 'b', weight: 1 },
    ],
    deadlines: [
      { value: { kind: 'none' }, weight: 1 },
      { value: { kind: 'after', baseUs: 1_000, perOutputTokenUs: 10 }, weight: 1 },
    ],
  },
  endUs: 100_000_000,
}

const generate = (spec: WorkloadSpec, seed = 1) => takeAll(generateRequests(spec, seed))

function shareOf<T>(values: readonly T[], holds: (value: T) => boolean): number {
  return values.filter(holds).length / values.length
}

describe('a generated workload', () => {
  it('is the same for the same seed and another for another seed or name', () => {
    const requests = generate(SPEC)
    expect(generate(SPEC)).toEqual(requests)
    expect(generate(SPEC, 2)).not.toEqual(requests)
    const renamed = generate({ ...SPEC, name: 'other' })
    expect(renamed.map((request) => request.arrivalUs)).not.toEqual(
      requests.map((request) => request.arrivalUs),
    )
  })

  it('ends before its end, for good, with ids of its own', () => {
    const stream = generateRequests(SPEC, 1)
    const requests = takeAll(stream)
    expect(requests.at(-1)?.arrivalUs).toBeLessThan(100_000_000)
    expect(stream.next()).toBeUndefined()
    expect(new Set(requests.map((request) => request.id)).size).toBe(requests.length)
    expect(requests[0]?.id).toBe('mixed-0')
  })

  it.each([1, 2, 3])('mixes its models as their shares move, with seed %d', (seed) => {
    const requests = generate(SPEC, seed)
    const early = requests.filter((request) => request.arrivalUs < 20_000_000)
    const late = requests.filter((request) => request.arrivalUs >= 80_000_000)
    expect(Math.abs(shareOf(early, (request) => request.model === 'large') - 0.1)).toBeLessThan(0.03)
    expect(Math.abs(shareOf(late, (request) => request.model === 'large') - 0.9)).toBeLessThan(0.03)
  })

  it('keeps pairs of lengths together', () => {
    const large = generate(SPEC).filter((request) => request.model === 'large')
    expect(large.every((request) => request.promptTokens === 10 * request.outputTokens)).toBe(true)
  })

  it('draws labels by their weights, a model having its own', () => {
    const requests = generate(SPEC)
    const large = requests.filter((request) => request.model === 'large')
    expect(requests.every((request) => request.model === 'large' || request.priority === 5)).toBe(true)
    expect(Math.abs(shareOf(large, (request) => request.priority === 1) - 0.25)).toBeLessThan(0.03)
    expect(Math.abs(shareOf(requests, (request) => request.tenant === 'a') - 0.5)).toBeLessThan(0.03)
    expect(Math.abs(shareOf(requests, (request) => request.deadlineUs === undefined) - 0.5)).toBeLessThan(
      0.03,
    )
    for (const { arrivalUs, deadlineUs, outputTokens } of requests)
      if (deadlineUs !== undefined) expect(deadlineUs - arrivalUs).toBe(1_000 + 10 * outputTokens)
  })

  it('leaves every other draw in place when one part of it changes', () => {
    const requests = generate(SPEC)
    const [small, large] = SPEC.models
    const lengths = {
      kind: 'independent',
      prompt: { kind: 'fixed', tokens: 3 },
      output: { kind: 'fixed', tokens: 4 },
    } as const
    const longer = generate({ ...SPEC, models: [{ ...small, lengths }, large] })
    expect(
      longer.map(({ arrivalUs, model, priority, tenant }) => [arrivalUs, model, priority, tenant]),
    ).toEqual(requests.map(({ arrivalUs, model, priority, tenant }) => [arrivalUs, model, priority, tenant]))
    expect(longer.filter(({ model }) => model === 'large').map(({ promptTokens }) => promptTokens)).toEqual(
      requests.filter(({ model }) => model === 'large').map(({ promptTokens }) => promptTokens),
    )
    const unlabelled = generate({ ...SPEC, labels: {} })
    expect(unlabelled.map(({ arrivalUs, promptTokens }) => [arrivalUs, promptTokens])).toEqual(
      requests.map(({ arrivalUs, promptTokens }) => [arrivalUs, promptTokens]),
    )
    const constant = generate({ ...SPEC, arrivals: { kind: 'constant', ratePerS: 100 } }).slice(0, 500)
    const tenants = requests.slice(0, 500).map(({ tenant }) => tenant)
    expect(constant.map(({ tenant }) => tenant)).toEqual(tenants)
  })

  it('merges with another in order of arrival', () => {
    const merged = takeAll(
      mergeByArrival([generateRequests(SPEC, 1), generateRequests({ ...SPEC, name: 'other' }, 1)]),
    )
    expect(merged.every((request, i) => i === 0 || request.arrivalUs >= merged[i - 1].arrivalUs)).toBe(true)
    expect(new Set(merged.map(({ id }) => id)).size).toBe(merged.length)
  })

  it('goes on without end when none is given', () => {
    const endless = generateRequests({ ...SPEC, endUs: undefined }, 1)
    expect(takeAll(limit(endless, 20_000))).toHaveLength(20_000)
  })

  it('is refused when no model could take a request', () => {
    const [small, large] = SPEC.models
    expect(() => generateRequests({ ...SPEC, models: [] }, 1)).toThrow('has no models')
    expect(() => generateRequests({ ...SPEC, models: [small, small] }, 1)).toThrow('names a model twice')
    expect(() => generate({ ...SPEC, models: [{ ...large, share: 0 }] })).toThrow('all shares are 0')
    expect(() => generateRequests({ ...SPEC, models: [{ ...large, share: -1 }] }, 1)).toThrow('is below 0')
    const labels = { tenants: [{ value: 'a', weight: 0 }] }
    expect(() => generateRequests({ ...SPEC, labels }, 1)).toThrow('no weight of the tenants is above 0')
  })
})

describe('a share', () => {
  it('is linear between its points and flat outside', () => {
    const share: Share = [
      { atS: 10, share: 1 },
      { atS: 20, share: 3 },
      { atS: 20, share: 9 },
    ]
    expect([0, 10, 15, 20, 99].map((atS) => shareAt(share, atS))).toEqual([1, 1, 2, 9, 9])
    expect(shareAt(4, 7)).toBe(4)
  })
})
