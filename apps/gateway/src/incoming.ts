import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { parseDocument } from '@kvasir/contracts'
import type { Routable } from '@kvasir/dispatch'
import type { RawBodyRequest } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { fieldOf } from './event-stream.js'
import { Refusal } from './openai-error.js'

/** Of a request's body, what the gateway decides by; everything else is the engine's. */
const bodySchema = z.object({
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
  readonly path: string
  readonly body: Buffer
  /** For engines: names and values in turn. */
  readonly headers: readonly string[]
}

/** @throws {Refusal} 400, naming field and value. */
export function incomingOf(
  path: string,
  { headers, body, rawBody }: RawBodyRequest<FastifyRequest>,
): Incoming {
  const parsed = parseDocument(bodySchema, body)
  if (parsed.kind === 'refused') throw new Refusal(400, 'invalid_request', parsed.problems.join('; '))
  const { model, user } = parsed.value
  const id = headerIn(headers, 'x-request-id') ?? `req-${randomUUID()}`
  const passed = ['x-request-id', id]
  for (const name of passedHeaders) {
    const header = headerIn(headers, name)
    if (header !== undefined) passed.push(name, header)
  }
  return {
    id,
    model,
    tenant: headerIn(headers, 'x-tenant') ?? '',
    routable: { session: headerIn(headers, 'x-session') ?? user, prefix: prefixOf(body) },
    path,
    body: rawBody ?? Buffer.from(JSON.stringify(body)),
    headers: passed,
  }
}

function headerIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const header = headers[name]
  return typeof header === 'string' && header !== '' ? header : undefined
}

function prefixOf(body: unknown): string | undefined {
  const start = fieldOf(body, 'prompt') ?? fieldOf(body, 'messages')
  if (start === undefined) return undefined
  // Of a long text only what is looked at.
  const text = typeof start === 'string' ? start : JSON.stringify(start)
  return text.slice(0, PREFIX_CHARACTERS)
}
