import type { FinishReason } from '@kvasir/scheduler'
import type { Usage } from '../generation.js'

/** What is the same in all parts of one answer. */
export interface AnswerHead {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

/** How answers look in one of the two APIs; the bodies themselves are theirs, not ours. */
export interface AnswerShape {
  readonly idPrefix: string
  whole(head: AnswerHead, text: string, finish: FinishReason, usage: Usage): unknown
  /** A part of a stream. @param first whether nothing came before it. */
  part(head: AnswerHead, text: string, options: { readonly first: boolean }): unknown
  lastPart(head: AnswerHead, finish: FinishReason): unknown
  usagePart(head: AnswerHead, usage: Usage): unknown
}

export const completionShape: AnswerShape = {
  idPrefix: 'cmpl-',
  whole: (head, text, finish, usage) => ({
    ...head,
    object: 'text_completion',
    choices: [textChoice(text, finish)],
    usage: usageBody(usage),
  }),
  part: (head, text) => ({ ...head, object: 'text_completion', choices: [textChoice(text, null)] }),
  lastPart: (head, finish) => ({ ...head, object: 'text_completion', choices: [textChoice('', finish)] }),
  usagePart: (head, usage) => ({
    ...head,
    object: 'text_completion',
    choices: [],
    usage: usageBody(usage),
  }),
}

const CHUNK = 'chat.completion.chunk'

export const chatShape: AnswerShape = {
  idPrefix: 'chatcmpl-',
  whole: (head, content, finish, usage) => ({
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: finish,
      },
    ],
    usage: usageBody(usage),
  }),
  part: (head, content, { first }) => ({
    ...head,
    object: CHUNK,
    choices: [deltaChoice(first ? { role: 'assistant', content } : { content }, null)],
  }),
  lastPart: (head, finish) => ({ ...head, object: CHUNK, choices: [deltaChoice({}, finish)] }),
  usagePart: (head, usage) => ({ ...head, object: CHUNK, choices: [], usage: usageBody(usage) }),
}

function textChoice(text: string, finish: FinishReason | null) {
  return { index: 0, text, logprobs: null, finish_reason: finish }
}

function deltaChoice(delta: object, finish: FinishReason | null) {
  return { index: 0, delta, logprobs: null, finish_reason: finish }
}

function usageBody({ promptTokens, cachedTokens, completionTokens }: Usage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}
