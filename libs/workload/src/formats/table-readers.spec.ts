import { describe, expect, it } from 'vitest'
import { createLengthReader } from './length-reader.js'
import { describeProblem } from './problem.js'
import { type ReadBatch, readText } from './push-reader.js'
import { createRateReader } from './rate-reader.js'

function sentence(batch: ReadBatch<unknown>): string {
  return batch.kind === 'failed' ? describeProblem(batch.problem) : 'no problem'
}

describe('the length reader', () => {
  it('reads pairs from a file of lengths and from a trace', () => {
    const pairs = [{ promptTokens: 3772, outputTokens: 54 }]
    expect(readText(createLengthReader(), 'prompt_tokens,output_tokens\n3772,54\n').rows).toEqual(pairs)
    expect(readText(createLengthReader(), 't_s,prompt_tokens,output_tokens\n0.5,3772,54').rows).toEqual(pairs)
  })

  it('refuses what has no lengths, and lengths of nothing', () => {
    expect(sentence(readText(createLengthReader(), 'a,b\n'))).toBe(
      'line 1: "a,b" is not a header with the columns prompt_tokens and output_tokens',
    )
    expect(sentence(readText(createLengthReader(), 'prompt_tokens,output_tokens\n0,5\n'))).toBe(
      'line 2: field prompt_tokens: "0" is not a whole number of 1 to 2147483647',
    )
    expect(sentence(readText(createLengthReader(), 'prompt_tokens,output_tokens\n5\n'))).toBe(
      'line 2: field output_tokens is missing; it should be a whole number of 1 to 2147483647',
    )
  })

  it('skips and counts bad lines on request', () => {
    const reader = createLengthReader({ skipBadLines: true })
    expect(readText(reader, 'prompt_tokens,output_tokens\nx,5\n1,2\n').rows).toHaveLength(1)
    expect(reader.counts.badLines).toBe(1)
  })
})

describe('the rate reader', () => {
  const header = 'model,t_s,rate_rps,active_clients,rate_weighted_interarrival_cv,top_client_share\n'

  it('reads a curve per model', () => {
    expect(readText(createRateReader(), `${header}m-small,600,789.8667,20,1.2459,0.4418\n`).rows).toEqual([
      { model: 'm-small', atUs: 600_000_000, ratePerS: 789.8667 },
    ])
  })

  it('refuses another file and a rate below 0', () => {
    expect(sentence(readText(createRateReader(), 'a,b\n'))).toContain(
      'a header with the columns model, t_s, rate_rps',
    )
    expect(sentence(readText(createRateReader(), `${header}m,0,-1,1,1,1\n`))).toBe(
      'line 2: field rate_rps: "-1" is not a number of requests per second of at least 0',
    )
  })
})
