import { randomUUID } from 'node:crypto'
import {
  type ChatRequest,
  type CompletionRequest,
  parseDocument,
  type RequestHeaders,
  requestHeadersSchema,
} from '@kvasir/contracts'
import type { Schema } from '@kvasir/platform'
import type { Ask } from '../engine.js'
import { chatTokens, promptTokens } from '../text/tokens.js'
import { OpenAiError } from './openai-error.js'

/** @throws {OpenAiError} 400, with a sentence for each thing that is wrong. */
export function parsedAs<T>(schema: Schema<T>, document: unknown): T {
  const parsed = parseDocument(schema, document)
  if (parsed.kind === 'parsed') return parsed.value
  const [first] = parsed.problems
  throw new OpenAiError({
    status: 400,
    message: parsed.problems.join('; '),
    code: 'invalid_request',
    param: first.split(' ', 1)[0],
  })
}

/** @throws {OpenAiError} 400 */
export function headersIn(headers: Readonly<Record<string, unknown>>): RequestHeaders {
  return parsedAs(requestHeadersSchema, headers)
}

/** The id that a client gave its request, or one that names it from here on. */
export function requestIdOf(headers: RequestHeaders): string {
  return headers['x-request-id'] ?? newRequestId()
}

export function newRequestId(): string {
  return `req-${randomUUID()}`
}

export function completionAsk(request: CompletionRequest, headers: RequestHeaders): Ask {
  return {
    prompt: promptTokens(request.prompt),
    maxTokens: request.max_tokens ?? undefined,
    ...sharedAsk(request, headers),
  }
}

export function chatAsk(request: ChatRequest, headers: RequestHeaders): Ask {
  return {
    prompt: chatTokens(request.messages),
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    ...sharedAsk(request, headers),
  }
}

function sharedAsk({ stop }: CompletionRequest | ChatRequest, headers: RequestHeaders) {
  return {
    stops: typeof stop === 'string' ? [stop] : (stop ?? []),
    priority: headers['x-priority'],
    deadlineMs: headers['x-deadline-ms'],
    tenant: headers['x-tenant'],
  }
}
