import {
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type ServerResponse,
} from 'node:http'
import { isLostError, jsonIn, openingOf } from './event-stream.js'
import type { EngineAddress } from './replicas.js'

/** A request as it goes to whichever engine takes it. */
export interface Outgoing {
  readonly path: string
  readonly body: Buffer
  /** Names and values in turn. */
  readonly headers: readonly string[]
}

/** What came of sending a request to one engine. Until `answered` or `streaming`, its client has been told nothing. */
export type Attempt =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: IncomingHttpHeaders
      readonly body: Buffer
    }
  /** The first token is there. `rest` is paused; it breaks off when the engine is lost. */
  | {
      readonly kind: 'streaming'
      readonly headers: IncomingHttpHeaders
      readonly begun: readonly Buffer[]
      readonly rest: IncomingMessage
    }
  /** The engine is gone, or says that it cannot serve: another one may. */
  | { readonly kind: 'lost'; readonly detail: string; readonly answer: Attempt | undefined }

/**
 * Sends a request to an engine and waits for its answer, or for the first token of a stream. It is broken off when the client has gone.
 * Never throws.
 */
export async function attempt(
  address: EngineAddress,
  outgoing: Outgoing,
  client: ServerResponse,
  agent: Agent,
): Promise<Attempt> {
  try {
    const response = await send(address, outgoing, client, agent)
    return isStream(response) ? await opened(response) : await whole(response)
  } catch (error) {
    return {
      kind: 'lost',
      detail: error instanceof Error ? error.message : String(error),
      answer: undefined,
    }
  }
}

function send(
  { host, hostname, port, base }: EngineAddress,
  { path, body, headers }: Outgoing,
  client: ServerResponse,
  agent: Agent,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      hostname,
      port,
      path: base + path,
      method: 'POST',
      agent,
      // As a list they are written as they are.
      headers: [
        'host',
        host,
        'content-type',
        'application/json',
        'content-length',
        String(body.length),
        ...headers,
      ],
    })
    request.once('response', resolve)
    // For its whole life: what breaks after the response is the response's to tell.
    request.on('error', reject)
    // Nothing happens to one that is complete.
    client.once('close', () => request.destroy())
    request.end(body)
  })
}

function isStream(response: IncomingMessage): boolean {
  return (
    response.statusCode === 200 && (response.headers['content-type'] ?? '').startsWith('text/event-stream')
  )
}

/** An answer that is not streamed is a client's only when it is all there. */
async function whole(response: IncomingMessage): Promise<Attempt> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const { statusCode: status = 502, headers } = response
  const answer: Attempt = { kind: 'answered', status, headers, body }
  const lost = status === 503 || (status >= 400 && isLostError(jsonIn(body.toString())))
  return lost ? { kind: 'lost', detail: `status ${status}`, answer } : answer
}

function opened(response: IncomingMessage): Promise<Attempt> {
  const { headers } = response
  const begun: Buffer[] = []
  return new Promise((resolve, reject) => {
    const settle = (result: Attempt) => {
      response.off('data', look).off('end', begins)
      resolve(result)
    }
    const begins = () => {
      response.pause()
      settle({ kind: 'streaming', headers, begun, rest: response })
    }
    const look = (chunk: Buffer) => {
      begun.push(chunk)
      const opening = openingOf(Buffer.concat(begun).toString())
      if (opening === 'begun') begins()
      if (opening !== 'lost') return
      response.destroy()
      settle({ kind: 'lost', detail: 'engine_lost before the first token', answer: undefined })
    }
    // For its whole life: after a token, whoever passes the rest on hears of it too.
    response.on('error', reject)
    response.on('data', look).once('end', begins)
  })
}
