import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_TOKENS, type RequestRecord } from '../request.js'
import { writeKvasirHeader, writeKvasirRequest } from './kvasir-requests.js'
import { writeLlmschedRequest } from './llmsched.js'
import { parseTrace } from './trace-reader.js'

const text = fc.string({ minLength: 1, unit: 'binary' })
const tokens = fc.integer({ min: 1, max: MAX_TOKENS })

const anyRequest: fc.Arbitrary<RequestRecord> = fc
  .record({
    id: text,
    arrivalUs: fc.nat(1_000_000_000),
    model: fc.option(text, { nil: undefined }),
    promptTokens: fc.integer({ min: 1, max: 4_000 }),
    outputTokens: tokens,
    priority: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    tenant: fc.option(text, { nil: undefined }),
    deadlineUs: fc.option(fc.nat(1_000_000_000), { nil: undefined }),
    session: fc.option(text, { nil: undefined }),
    blocks: fc.option(fc.array(fc.maxSafeNat(), { maxLength: 8 }), { nil: undefined }),
  })
  .map(({ blocks, ...request }) => ({
    ...request,
    prefixBlocks: blocks?.slice(0, Math.ceil(request.promptTokens / 512)),
    prefixBlockTokens: blocks === undefined ? 0 : 512,
  }))

const anyTrace = fc
  .array(anyRequest, { minLength: 1, maxLength: 5 })
  .map((requests) => requests.toSorted((a, b) => a.arrivalUs - b.arrivalUs))

describe('the writers', () => {
  it("lose nothing in Kvasir's format, with and without its first line", () => {
    fc.assert(
      fc.property(anyTrace, fc.boolean(), (requests, withHeader) => {
        const lines = requests.map(writeKvasirRequest).join('')
        const batch = parseTrace(withHeader ? writeKvasirHeader() + lines : lines)
        expect(batch).toEqual({ kind: 'rows', rows: requests })
      }),
    )
  })

  it('lose only tenant and prefix blocks in that of LLMSched', () => {
    fc.assert(
      fc.property(anyTrace, (requests) => {
        const batch = parseTrace(requests.map(writeLlmschedRequest).join(''))
        const kept = requests.map((request) => ({
          ...request,
          tenant: undefined,
          prefixBlocks: undefined,
          prefixBlockTokens: 0,
        }))
        expect(batch).toEqual({ kind: 'rows', rows: kept })
      }),
    )
  })

  it('write the fields that LLMSched needs', () => {
    const request: RequestRecord = {
      id: 'a',
      arrivalUs: 5,
      model: 'm',
      promptTokens: 7,
      outputTokens: 9,
      priority: 1,
      tenant: 't',
      deadlineUs: 100,
      session: 's',
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    }
    expect(writeLlmschedRequest(request)).toBe(
      '{"id":"a","arrival_us":5,"model":"m","prompt_tokens":7,"max_new_tokens":9,"priority":1,"deadline_us":100,"session_id":"s"}\n',
    )
  })
})
