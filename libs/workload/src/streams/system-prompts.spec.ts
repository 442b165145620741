import { describe, expect, it } from 'vitest'
import { generateRequests } from '../generators/workload.js'
import { limit, takeAll } from './combinators.js'
import { type SystemPromptSpec, withSystemPrompts } from './system-prompts.js'

function requests(spec: Partial<SystemPromptSpec> = {}, seed = 3) {
  const stream = generateRequests(
    {
      name: 'w',
      arrivals: { kind: 'constant', ratePerS: 1 },
      models: [
        {
          model: 'm',
          share: 1,
          lengths: {
            kind: 'independent',
            prompt: { kind: 'fixed', tokens: 10 },
            output: { kind: 'fixed', tokens: 5 },
          },
        },
      ],
    },
    seed,
  )
  return takeAll(
    withSystemPrompts(limit(stream, 200), { tokens: 32, variants: 4, name: 'w', source: 0, ...spec }, seed),
  )
}

describe('withSystemPrompts (seed 3)', () => {
  it('adds the tokens of the shared prompt to each request', () => {
    for (const { promptTokens, prefixBlocks, prefixBlockTokens } of requests()) {
      expect(promptTokens).toBe(42)
      expect(prefixBlocks).toHaveLength(1)
      expect(prefixBlockTokens).toBe(32)
    }
  })

  it('draws the variants alike', () => {
    const counts = new Map<number | undefined, number>()
    for (const { prefixBlocks } of requests())
      counts.set(prefixBlocks?.[0], (counts.get(prefixBlocks?.[0]) ?? 0) + 1)
    expect(counts.size).toBe(4)
    for (const count of counts.values()) expect(count).toBeGreaterThan(25)
  })

  it('gives the same requests for the same seed, and leaves all else as it was', () => {
    expect(requests()).toEqual(requests())
    const arrivals = (records: ReturnType<typeof requests>) =>
      records.map(({ id, arrivalUs }) => [id, arrivalUs])
    expect(arrivals(requests({ variants: 1 }))).toEqual(arrivals(requests()))
  })

  it('refuses more variants than ids are kept for', () => {
    expect(() => requests({ variants: 1001 })).toThrow('1001 system prompts')
  })
})
