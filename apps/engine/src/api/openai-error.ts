import type { OpenAiErrorBody } from '@kvasir/contracts'
import type { AnswerEnd } from '../generation.js'

export interface OpenAiErrorOptions {
  readonly status: number
  readonly message: string
  readonly code: string | null
  readonly param?: string
  readonly retryAfterS?: number
}

/** An error as clients of the OpenAI API expect it. */
export class OpenAiError extends Error {
  override readonly name = 'OpenAiError'
  readonly status: number
  readonly retryAfterS: number | undefined
  readonly body: OpenAiErrorBody

  constructor({ status, message, code, param, retryAfterS }: OpenAiErrorOptions) {
    super(message)
    this.status = status
    this.retryAfterS = retryAfterS
    this.body = { error: { message, type: typeOf(status), param: param ?? null, code } }
  }
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** A model that is asked for and not served here. */
export function unservedModel(model: string, served: string): OpenAiError {
  return new OpenAiError({
    status: 404,
    message: `model is "${model}"; this engine serves ${served}`,
    code: 'model_not_found',
    param: 'model',
  })
}

/** What else may be tried at once, or a moment later. */
const RETRY_AFTER_S = 1

/** Why there is no answer, or not the whole of it. */
export function errorOf(end: Exclude<AnswerEnd, { kind: 'finished' }>): OpenAiError {
  const { reason } = end
  const detail = end.kind === 'refused' ? end.detail : sayings.get(reason)
  const message = detail === undefined ? reason : `${reason}: ${detail}`
  switch (reason) {
    case 'queue_full':
      return new OpenAiError({ status: 429, message, code: reason, retryAfterS: RETRY_AFTER_S })
    case 'prompt_exceeds_context':
    case 'exceeds_lease':
      return new OpenAiError({ status: 400, message, code: reason })
    case 'deadline_unreachable':
      return new OpenAiError({ status: 400, message, code: reason, param: 'x-deadline-ms' })
    default:
      return new OpenAiError({ status: 503, message, code: reason, retryAfterS: RETRY_AFTER_S })
  }
}

/** Of sequences that were accepted. */
const sayings: ReadonlyMap<string, string> = new Map([
  ['engine_lost', 'the engine lost its device; the request may be sent again'],
  ['engine_left', 'the engine is being stopped; the request may be sent to another one'],
  ['exceeds_lease', 'the limit of the model was lowered below what the request needs'],
  ['deadline_unreachable', 'its first token could not come in time any more'],
])
