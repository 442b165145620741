import { randomUUID } from 'node:crypto'
import { parseDocument } from '@kvasir/contracts'
import type { Routable } from '@kvasir/dispatch'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Refusal } from './openai-error.js'

/** Of a request's body, what the gateway decides by; everything else is the engine's. */
const bodySchema = z.looseObject({
  model: z.string().min(1).describe('a model of GET /v1/models'),
  user: z.string().optional().describe('who asks'),
})

/** Of a client's headers, those that engines read. */
const passedHeaders = ['x-priority', 'x-deadline-ms', 'x-tenant', 'x-session'] as const
/** Characters of a prompt that are taken for its prefix, where requests with the same one are kept together. */
const PREFIX_CHARACTERS = 512

/** A client's request, as the gateway goes by it. */
export interface Incoming {
  readonly id: string
  readonly model: string
  readonly tenant: string
  readonly routable: Routable
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** @throws {Refusal} 400, naming field and value. */
export function incomingOf(request: FastifyRequest): Incoming {
  const parsed = parseDocument(bodySchema, request.body)
  if (parsed.kind === 'refused') throw new Refusal(400, 'invalid_request', parsed.problems.join('; '))
  const { value } = parsed
  const id = headerOf(request, 'x-request-id') ?? `req-${randomUUID()}`
  const passed = passedHeaders.flatMap((name) => {
    const header = headerOf(request, name)
    return header === undefined ? [] : [[name, header]]
  })
  return {
    id,
    model: value.model,
    tenant: headerOf(request, 'x-tenant') ?? '',
    routable: { session: headerOf(request, 'x-session') ?? value.user, prefix: prefixOf(value) },
    body: JSON.stringify(request.body),
    headers: { ...Object.fromEntries(passed), 'x-request-id': id },
  }
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const header = request.headers[name]
  return typeof header === 'string' && header !== '' ? header : undefined
}

function prefixOf(body: Readonly<Record<string, unknown>>): string | undefined {
  const start = body['prompt'] ?? body['messages']
  if (start === undefined) return undefined
  // Of a long text only what is looked at.
  const text = typeof start === 'string' ? start : JSON.stringify(start)
  return text.slice(0, PREFIX_CHARACTERS)
}
