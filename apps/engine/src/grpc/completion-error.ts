import { Metadata, status } from '@grpc/grpc-js'
import { COMPLETION_ERROR_KEY, type CompletionError, completionErrorBytes } from '@kvasir/wire'
import { OpenAiError } from '../api/openai-error.js'

/** Key by which gRPC itself says when a call may be tried again, ms (gRFC A6). */
const PUSHBACK_KEY = 'grpc-retry-pushback-ms'

/** How a call ends without an answer. */
export interface CallFailure {
  readonly code: status
  readonly details: string
  readonly metadata: Metadata
}

/** An error as messages of a session carry it. */
export function completionErrorOf(thrown: unknown): CompletionError {
  const { body, retryAfterS } = errorIn(thrown)
  const { code, message, param } = body.error
  return {
    code: code ?? 'internal',
    message,
    field: fieldOf(code, param),
    retryAfterMs: retryAfterS === undefined ? undefined : 1_000 * retryAfterS,
  }
}

/** The same as the end of a call. */
export function callFailureOf(thrown: unknown): CallFailure {
  const error = completionErrorOf(thrown)
  const metadata = new Metadata()
  metadata.set(COMPLETION_ERROR_KEY, completionErrorBytes(error))
  if (error.retryAfterMs !== undefined) metadata.set(PUSHBACK_KEY, String(error.retryAfterMs))
  return { code: statusOf(error.code, errorIn(thrown).status), details: error.message, metadata }
}

/** What nobody expected tells clients nothing. */
function errorIn(thrown: unknown): OpenAiError {
  if (thrown instanceof OpenAiError) return thrown
  return new OpenAiError({ status: 500, message: 'the engine failed', code: null })
}

function statusOf(code: string, httpStatus: number): status {
  if (code === 'deadline_unreachable') return status.DEADLINE_EXCEEDED
  return statuses.get(httpStatus) ?? status.INTERNAL
}

const statuses: ReadonlyMap<number, status> = new Map([
  [400, status.INVALID_ARGUMENT],
  [404, status.NOT_FOUND],
  [429, status.RESOURCE_EXHAUSTED],
  [503, status.UNAVAILABLE],
])

/** Fields by the names they have in `Completion`. */
function fieldOf(code: string | null, param: string | null): string | undefined {
  if (code === 'prompt_exceeds_context') return 'prompt'
  if (code === 'deadline_unreachable') return 'deadline_ms'
  return param ?? undefined
}
