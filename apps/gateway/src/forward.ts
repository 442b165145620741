import { once } from 'node:events'
import type { Agent, IncomingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { attempt, type Attempt } from './attempt.js'
import type { Incoming } from './incoming.js'
import { openAiError, Refusal } from './openai-error.js'
import type { Chosen, Replicas } from './replicas.js'
import type { EngineWatch } from './watch-engines.js'

export interface ForwardParts {
  readonly replicas: Replicas
  readonly watch: EngineWatch
  readonly agent: Agent
  readonly log: Logger
  /** How long a request waits for an engine of its model to come back, ms. */
  readonly patienceMs: number
}

/** Engines that a request is sent to at most: what breaks them all is likely the request. */
const ATTEMPTS_MOST = 5

/** Of an engine's headers, those that its client gets. */
const returnedHeaders = ['content-type', 'cache-control', 'retry-after'] as const

type Answer = Exclude<Attempt, { kind: 'lost' }>

/**
 * Brings a request to an engine and its answer back. While the client has seen nothing of the answer, another engine may take over;
 * after that a lost engine ends the request with `engine_lost`.
 * @throws {Refusal} 503 when no engine takes it.
 */
export async function forward(
  path: string,
  incoming: Incoming,
  reply: FastifyReply,
  parts: ForwardParts,
): Promise<void> {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort()
  })
  let lastAnswer: Attempt | undefined
  for (let attempts = 0; attempts < ATTEMPTS_MOST; attempts++) {
    const chosen = await parts.replicas.await(
      incoming.model,
      incoming.routable,
      parts.patienceMs,
      gone.signal,
    )
    if (gone.signal.aborted) return chosen?.release()
    if (!chosen) break
    try {
      const result = await attempt(chosen.engine, { path, ...incoming, signal: gone.signal }, parts.agent)
      if (gone.signal.aborted) return
      if (result.kind !== 'lost') return await answer(reply, incoming, chosen, result, parts.log)
      lastAnswer = result.answer
      parts.watch.lost(chosen.engine)
      parts.log.warn({ request: incoming.id, engine: chosen.engine.engine }, `engine lost: ${result.detail}`)
    } finally {
      chosen.release()
    }
  }
  if (lastAnswer?.kind === 'answered') return whole(reply, incoming, undefined, lastAnswer)
  throw new Refusal(503, 'no_engine', `no engine of model ${incoming.model} takes requests at present`, {
    retryAfterS: 1,
  })
}

function answer(
  reply: FastifyReply,
  incoming: Incoming,
  chosen: Chosen,
  result: Answer,
  log: Logger,
): Promise<void> {
  if (result.kind === 'streaming') return stream(reply, incoming, chosen, result, log)
  whole(reply, incoming, chosen, result)
  return Promise.resolve()
}

function whole(
  reply: FastifyReply,
  incoming: Incoming,
  chosen: Chosen | undefined,
  result: Extract<Answer, { kind: 'answered' }>,
): void {
  reply.hijack()
  reply.raw.writeHead(result.status, headersFor(incoming, chosen, result.headers))
  reply.raw.end(result.body)
}

/** Passes a stream on as fast as the client reads it, and no faster. */
async function stream(
  reply: FastifyReply,
  incoming: Incoming,
  chosen: Chosen,
  result: Extract<Answer, { kind: 'streaming' }>,
  log: Logger,
): Promise<void> {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, headersFor(incoming, chosen, result.headers))
  for (const chunk of result.begun) raw.write(chunk)
  try {
    for await (const chunk of result.rest) {
      if (raw.destroyed) return
      if (!raw.write(chunk)) await Promise.race([once(raw, 'drain'), once(raw, 'close')])
    }
  } catch {
    if (raw.destroyed) return
    const { engine } = chosen.engine
    log.warn({ request: incoming.id, engine }, 'engine lost in the middle of a stream')
    const message = `engine ${engine} was lost before the answer was complete`
    raw.write(`data: ${JSON.stringify(openAiError(500, message, 'engine_lost'))}\n\n`)
  }
  raw.end()
}

function headersFor(
  incoming: Incoming,
  chosen: Chosen | undefined,
  headers: IncomingHttpHeaders,
): Record<string, string> {
  const returned = returnedHeaders.flatMap((name) => {
    const value = headers[name]
    return value === undefined ? [] : [[name, value]]
  })
  const where = chosen === undefined ? {} : { 'x-kvasir-engine': chosen.engine.engine }
  return { ...Object.fromEntries(returned), ...where, 'x-request-id': incoming.id }
}
