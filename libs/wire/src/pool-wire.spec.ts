import {
  denialReasonSchema,
  type EngineDocument,
  engineDocumentSchema,
  type EngineMessage,
  engineMessageSchema,
  parseDocument,
  type PreemptionOutcome,
} from '@kvasir/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from './device-wire.js'
import { PoolSessionRequest, PoolSessionResponse } from './generated/kvasir/v1/pool.js'
import { documentIn, engineMessageIn, wireDocument, wireEngineMessage } from './pool-wire.js'

const count = fc.integer({ min: 0, max: 2 ** 31 })
const some = fc.integer({ min: 1, max: 2 ** 31 })
const large = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ minLength: 1 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
/** The wire does not tell -0 from 0. */
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)
const sender = { engine: fc.constant('chat@a'), incarnation: fc.constant(7) }

const heartbeat = fc.record(
  {
    kind: fc.constant('heartbeat' as const),
    ...sender,
    beat: large,
    model: text,
    processedThrough: large,
    epoch: large,
    sequence: large,
    held: count,
    inUse: count,
    demand: fc.record({
      tokens: large,
      bundles: count,
      tokensPerSecond: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
    }),
    fragmentation: fc.record({ internal: share, bundle: share, pool: share }),
    spentTokens: large,
    lowestPriority: fc.option(number),
    supply: fc.array(
      fc.record({
        priority: number,
        bundles: some,
        costUs: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      }),
      {
        maxLength: 16,
      },
    ),
    url: fc.constant('http://127.0.0.1:7201'),
  },
  {
    requiredKeys: [
      'kind',
      'engine',
      'incarnation',
      'beat',
      'model',
      'processedThrough',
      'epoch',
      'sequence',
      'held',
      'inUse',
      'demand',
      'spentTokens',
      'lowestPriority',
      'supply',
    ],
  },
)

const message: fc.Arbitrary<EngineMessage> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), ...sender, number: large, model: text }),
  fc.record({ kind: fc.constant('leave' as const), ...sender, number: large }),
  fc.record({ kind: fc.constant('cancel' as const), ...sender, number: large, id: text }),
  fc.record({
    kind: fc.constant('request' as const),
    ...sender,
    number: large,
    id: text,
    bundles: some,
    minBundles: some,
    priority: number,
    class: fc.constantFrom('auto' as const, 'entitlement' as const, 'priority' as const),
    withinUs: large,
  }),
  heartbeat,
)

const outcome: fc.Arbitrary<PreemptionOutcome> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('granted' as const, 'granted_partial' as const),
    id: text,
    bundles: some,
  }),
  fc.record({
    kind: fc.constant('denied' as const),
    id: text,
    reason: fc.constantFrom(...denialReasonSchema.options),
  }),
  fc.record({ kind: fc.constant('expired' as const), id: text, reason: fc.constant('cancelled' as const) }),
)

const whole = fc.record({
  ...sender,
  epoch: large,
  sequence: large,
  ackBeat: large,
  processedThrough: large,
  member: fc.boolean(),
  census: fc.boolean(),
  leaseBundles: count,
  guaranteeBundles: count,
  limitBundles: count,
  budget: fc.record({ round: large, tokens: large, lentTokens: large, floor: large }),
  reclaims: fc.array(
    fc.record(
      { request: fc.string(), bundles: some, victimsBelow: fc.option(number) },
      { requiredKeys: ['request', 'bundles'] },
    ),
    { maxLength: 5 },
  ),
  sharesPool: fc.boolean(),
  supplyWanted: fc.boolean(),
  outcomes: fc.array(outcome, { maxLength: 5 }),
})
const document: fc.Arbitrary<EngineDocument> = fc.oneof(
  whole,
  fc.tuple(whole, number).map(([rest, priority]) => ({ ...rest, priority })),
)

describe('the wire of engines and owners', () => {
  it('carries every message of an engine as it was said', () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(parseDocument(engineMessageSchema, said).kind).toBe('parsed')
        const bytes = PoolSessionRequest.encode({ message: wireEngineMessage(said) }).finish()
        const heard = PoolSessionRequest.decode(bytes).message
        if (heard === undefined || heard.$case === 'attach') return expect.unreachable()
        expect(engineMessageIn(heard, said)).toEqual(said)
      }),
    )
  })

  it('carries every document as it was written', () => {
    fc.assert(
      fc.property(document, (written) => {
        expect(parseDocument(engineDocumentSchema, written).kind).toBe('parsed')
        const response = { message: { $case: 'document', value: wireDocument(written) } } as const
        const heard = PoolSessionResponse.decode(PoolSessionResponse.encode(response).finish()).message
        if (heard?.$case !== 'document') return expect.unreachable()
        expect(documentIn(heard.value, written.engine)).toEqual(written)
      }),
    )
  })

  it('refuses what is incomplete or cannot be', () => {
    const who = { engine: 'chat@a', incarnation: 1 }
    const request = { number: 1, id: 'r', bundles: 1, minBundles: 1, priority: 0, withinUs: 1 }
    const unknown = JSON.parse('9') as 3
    expect(() => engineMessageIn({ $case: 'request', value: { ...request, class: unknown } }, who)).toThrow(
      'class is 9',
    )
    const [bare] = fc.sample(heartbeat, 1)
    const { $case, value } = wireEngineMessage(bare)
    if ($case !== 'heartbeat') return expect.unreachable()
    expect(() => engineMessageIn({ $case, value: { ...value, demand: undefined } }, who)).toThrow(WireError)
    const [written] = fc.sample(document, 1)
    const wired = wireDocument(written)
    expect(() => documentIn({ ...wired, budget: undefined }, 'a')).toThrow('budget is missing')
    const odd = [{ id: 'r', outcome: { $case: 'denied', value: 'because' } }] as const
    expect(() => documentIn({ ...wired, outcomes: odd }, 'a')).toThrow('"because"')
    expect(() => documentIn({ ...wired, outcomes: [{ id: 'r', outcome: undefined }] }, 'a')).toThrow(
      'missing',
    )
  })
})
