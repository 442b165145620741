import type { Agent, IncomingHttpHeaders, ServerResponse } from 'node:http'
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

/**
 * Brings a request to an engine and its answer back. While the client has seen nothing of the answer, another engine may take over;
 * after that a lost engine ends the request with `engine_lost`.
 * @throws {Refusal} 503 when no engine takes it.
 */
export async function forward(
  incoming: Incoming,
  client: ServerResponse,
  parts: ForwardParts,
): Promise<void> {
  const { replicas, agent, log, patienceMs } = parts
  const { model, routable } = incoming
  let lastAnswer: Attempt | undefined
  for (let attempts = 0; attempts < ATTEMPTS_MOST; attempts++) {
    const chosen = await replicas.await(model, routable, patienceMs, client)
    if (client.destroyed) return chosen?.release()
    if (!chosen) break
    try {
      const result = await attempt(chosen.address, incoming, client, agent)
      if (client.destroyed) return
      if (result.kind === 'streaming') return await stream(client, incoming, chosen, result, log)
      if (result.kind === 'answered') return whole(client, incoming, chosen, result)
      lastAnswer = result.answer
      parts.watch.lost(chosen.engine)
      log.warn({ request: incoming.id, engine: chosen.engine.engine }, `engine lost: ${result.detail}`)
    } finally {
      chosen.release()
    }
  }
  if (lastAnswer?.kind === 'answered') return whole(client, incoming, undefined, lastAnswer)
  throw new Refusal(503, 'no_engine', `no engine of model ${model} takes requests at present`, {
    retryAfterS: 1,
  })
}

function whole(
  client: ServerResponse,
  incoming: Incoming,
  chosen: Chosen | undefined,
  result: Extract<Attempt, { kind: 'answered' }>,
): void {
  client.writeHead(result.status, headersFor(incoming, chosen, result.headers))
  client.end(result.body)
}

/** Passes a stream on as fast as the client reads it, and no faster. Resolves when it has ended, or nobody reads it. */
function stream(
  client: ServerResponse,
  incoming: Incoming,
  chosen: Chosen,
  { headers, begun, rest }: Extract<Attempt, { kind: 'streaming' }>,
  log: Logger,
): Promise<void> {
  client.writeHead(200, headersFor(incoming, chosen, headers))
  for (const chunk of begun) client.write(chunk)
  return new Promise((resolve) => {
    const end = (last?: string) => {
      client.end(last)
      resolve()
    }
    client.once('close', resolve)
    if (rest.readableEnded) return end()
    rest.once('end', () => end())
    rest.once('error', () => {
      if (client.destroyed) return
      const { engine } = chosen.engine
      log.warn({ request: incoming.id, engine }, 'engine lost in the middle of a stream')
      const message = `engine ${engine} was lost before the answer was complete`
      end(`data: ${JSON.stringify(openAiError(500, message, 'engine_lost'))}\n\n`)
    })
    rest.on('data', (chunk: Buffer) => {
      if (!client.write(chunk)) rest.pause()
    })
    client.on('drain', () => rest.resume())
    if (!client.writableNeedDrain) rest.resume()
  })
}

function headersFor(
  incoming: Incoming,
  chosen: Chosen | undefined,
  headers: IncomingHttpHeaders,
): Record<string, string> {
  const returned: Record<string, string> = { 'x-request-id': incoming.id }
  for (const name of returnedHeaders) {
    const value = headers[name]
    if (value !== undefined) returned[name] = value
  }
  if (chosen) returned['x-kvasir-engine'] = chosen.engine.engine
  return returned
}
