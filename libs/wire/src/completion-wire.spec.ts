import { completionSchema, parseDocument } from '@kvasir/contracts'
import { describe, expect, it } from 'vitest'
import { completionErrorBytes, completionErrorIn, completionIn, wireEnd } from './completion-wire.js'
import { Completion, FinishReason } from './generated/kvasir/v1/completion.js'

function read(bytes: Uint8Array) {
  return parseDocument(completionSchema, completionIn(Completion.decode(bytes)))
}

const least: Completion = { model: 'm', prompt: { $case: 'text', value: '' }, stop: [] }

describe('the wire of completions', () => {
  it('carries everything a client may say, and leaves out what it did not', () => {
    const said: Completion = {
      model: 'm',
      prompt: { $case: 'tokenIds', value: { ids: [1, 2] } },
      maxTokens: 5,
      stop: ['x'],
      priority: -2,
      deadlineMs: 0.5,
      tenant: 't',
      requestId: 'r',
    }
    expect(read(Completion.encode(said).finish())).toEqual({
      kind: 'parsed',
      value: {
        model: 'm',
        prompt: [1, 2],
        max_tokens: 5,
        stop: ['x'],
        priority: -2,
        deadline_ms: 0.5,
        tenant: 't',
        request_id: 'r',
      },
    })
    expect(read(Completion.encode(least).finish())).toEqual({
      kind: 'parsed',
      value: { model: 'm', prompt: '', stop: [] },
    })
  })

  it('names the fields as the wire does when something is wrong or missing', () => {
    const wrong = { ...least, maxTokens: 0, deadlineMs: -1, prompt: undefined }
    const refused = read(Completion.encode(wrong).finish())
    expect(refused.kind === 'refused' && refused.problems.map((problem) => problem.split(' ')[0])).toEqual([
      'prompt',
      'max_tokens',
      'deadline_ms',
    ])
    expect(parseDocument(completionSchema, completionIn(undefined)).kind).toBe('refused')
  })

  it('carries ends and errors', () => {
    const usage = { promptTokens: 3, cachedTokens: 1, completionTokens: 2 }
    expect(wireEnd('length', usage)).toEqual({ finish: FinishReason.LENGTH, usage })
    expect(wireEnd('stop', usage).finish).toBe(FinishReason.STOP)
    const error = { code: 'queue_full', message: 'later', field: undefined, retryAfterMs: 1_000 }
    expect(completionErrorIn(completionErrorBytes(error))).toEqual(error)
  })
})
