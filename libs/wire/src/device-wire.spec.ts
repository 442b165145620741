import type { BlockCopies, DeviceAnswer, DeviceCommand, DeviceRefusal } from '@kvasir/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { answerIn, commandIn, requestOf, responseOf, WireError } from './device-wire.js'
import { SessionRequest, SessionResponse } from './generated/kvasir/device/v1/device.js'

const count = fc.integer({ min: 0, max: 2 ** 31 })
const large = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const sender = { engine: fc.string({ minLength: 1 }), incarnation: large }
const bundles = fc.array(count, { maxLength: 20 })
/** The wire does not tell -0 from 0. */
const positiveZero = (value: number) => value + 0
const share = fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true })
const text = fc.string({ minLength: 1 })

const copies: fc.Arbitrary<BlockCopies> = fc
  .record({ outs: fc.array(fc.tuple(count, count)), ins: fc.array(fc.tuple(count, count)) })
  .map(({ outs, ins }) => ({
    outs: outs.flat(),
    ins: ins.flat(),
    outCount: outs.length,
    inCount: ins.length,
  }))

const shape = fc.record({
  sequences: count,
  totalTokens: count,
  decodeSequences: count,
  decodeContextTokens: large,
  prefillTokens: count,
  prefillContextTokens: large,
  prefillPairs: large,
})

const served = fc.record(
  { architecture: text, weightDtype: text, kvDtype: text, host: text },
  { requiredKeys: ['architecture'] },
)

const asked = {
  claim: fc.double({ noNaN: true, noDefaultInfinity: true }).map(positiveZero),
  slackUs: fc.integer(),
}

const command: fc.Arbitrary<DeviceCommand> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('open' as const),
      ...sender,
      model: fc.string(),
      served,
      blockBytesPerRank: large,
      share,
    },
    { requiredKeys: ['kind', 'engine', 'incarnation', 'model', 'blockBytesPerRank', 'share'] },
  ),
  fc.record({ kind: fc.constantFrom('close' as const, 'pass' as const), ...sender }),
  fc.record({ kind: fc.constant('fence' as const), epoch: large, nonce: large }),
  fc.record({ kind: fc.constant('map' as const), ...sender, epoch: large, bundles: count }),
  fc.record({ kind: fc.constant('unmap' as const), ...sender, bundles }),
  fc.record(
    { kind: fc.constant('ready' as const), ...sender, epoch: large, ...asked },
    { requiredKeys: ['kind', 'engine', 'incarnation', 'epoch', 'claim'] },
  ),
  fc.record(
    {
      kind: fc.constant('execute' as const),
      ...sender,
      epoch: large,
      shape,
      copies,
      next: fc.record(asked, { requiredKeys: ['claim'] }),
      ifFree: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'engine', 'incarnation', 'epoch', 'shape'] },
  ),
  fc.record({ kind: fc.constant('copy' as const), ...sender, copy: large, copies }),
)

const refusals: readonly DeviceRefusal[] = [
  'stale_epoch',
  'stale_incarnation',
  'not_open',
  'pool_exhausted',
  'not_mapped',
  'not_your_turn',
]

const answer: fc.Arbitrary<DeviceAnswer> = fc.oneof(
  fc.record({ kind: fc.constant('mapped' as const), engine: text, bundles }),
  fc.record({ kind: fc.constant('turn' as const), engine: text }),
  fc.record(
    {
      kind: fc.constant('executed' as const),
      engine: text,
      startedUs: large,
      finishedUs: large,
      next: fc.constant(true as const),
    },
    { requiredKeys: ['kind', 'engine', 'startedUs', 'finishedUs'] },
  ),
  fc.record({ kind: fc.constant('copied' as const), engine: text, copy: large }),
  fc.record({
    kind: fc.constant('fenced' as const),
    epoch: large,
    held: fc.array(fc.record({ ...sender, bundles: count })),
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    engine: fc.string(),
    command: fc.constantFrom('open' as const, 'fence' as const, 'map' as const, 'copy' as const),
    reason: fc.constantFrom(...refusals),
  }),
)

describe('the wire of devices', () => {
  it('carries every command as it was said', () => {
    fc.assert(
      fc.property(command, (said) => {
        const bytes = SessionRequest.encode(requestOf(said)).finish()
        expect(commandIn(SessionRequest.decode(bytes))).toEqual(said)
      }),
    )
  })

  it('carries every answer as it was given, and with refusals the highest epoch', () => {
    fc.assert(
      fc.property(answer, large, (given, epoch) => {
        const bytes = SessionResponse.encode(responseOf(given, epoch)).finish()
        const heard = answerIn(SessionResponse.decode(bytes))
        expect(heard.answer).toEqual(given)
        if (given.kind === 'refused') expect(heard.highestEpoch).toBe(epoch)
      }),
    )
  })

  it('refuses what is incomplete or cannot be', () => {
    const none = {
      sender: undefined,
      shape: undefined,
      copies: undefined,
      epoch: 1,
      next: undefined,
      ifFree: false,
    }
    expect(() => commandIn({ command: undefined })).toThrow(WireError)
    expect(() => commandIn({ command: { $case: 'close', value: none } })).toThrow('the sender is missing')
    expect(() => commandIn({ command: { $case: 'execute', value: none } })).toThrow('shape is missing')
    const sender = { engine: 'a', incarnation: 1 }
    expect(() =>
      commandIn({ command: { $case: 'ready', value: { sender, epoch: 1, claim: Number.NaN } } }),
    ).toThrow('ready: claim is NaN')
    const open = { sender, model: 'm', blockBytesPerRank: 1, share: 0, served: undefined }
    expect(() => commandIn({ command: { $case: 'open', value: open } })).toThrow('open: share is 0')
    const odd = { sender, copy: 1, copies: { outs: [1, 2, 3], ins: [] } }
    expect(() => commandIn({ command: { $case: 'copy', value: odd } })).toThrow('copies come in pairs')
    expect(() => answerIn({ answer: undefined })).toThrow(WireError)
  })
})
