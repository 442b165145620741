import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http'
import type { GatewayEngine } from '@kvasir/contracts'
import { isLostError, jsonIn, openingOf } from './event-stream.js'

/** A request as it goes to whichever engine takes it. */
export interface Outgoing {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal
}

/** What came of sending a request to one engine. Until `answered` or `streaming`, its client has been told nothing. */
export type Attempt =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: IncomingHttpHeaders
      readonly body: Buffer
    }
  /** The first token is there. `rest` throws when the engine is lost. */
  | {
      readonly kind: 'streaming'
      readonly headers: IncomingHttpHeaders
      readonly begun: readonly Buffer[]
      readonly rest: AsyncIterable<Buffer>
    }
  /** The engine is gone, or says that it cannot serve: another one may. */
  | { readonly kind: 'lost'; readonly detail: string; readonly answer: Attempt | undefined }

/** Sends a request to an engine and waits for its answer, or for the first token of a stream. Never throws. */
export async function attempt(engine: GatewayEngine, outgoing: Outgoing, agent: Agent): Promise<Attempt> {
  try {
    const response = await send(engine, outgoing, agent)
    return isStream(response) ? await opened(response) : await whole(response)
  } catch (error) {
    return {
      kind: 'lost',
      detail: error instanceof Error ? error.message : String(error),
      answer: undefined,
    }
  }
}

function send(engine: GatewayEngine, { path, body, headers, signal }: Outgoing, agent: Agent) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(`${engine.url}${path}`, {
      method: 'POST',
      agent,
      signal,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      },
    })
    request.once('response', resolve)
    // For its whole life: what breaks after the response is the response's to tell.
    request.on('error', reject)
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

async function opened(response: IncomingMessage): Promise<Attempt> {
  const { headers } = response
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const begun: Buffer[] = []
  for (;;) {
    const next = await chunks.next()
    if (next.done === true) break
    begun.push(next.value)
    const opening = openingOf(Buffer.concat(begun).toString())
    if (opening === 'begun') break
    if (opening === 'lost') {
      response.destroy()
      return { kind: 'lost', detail: 'engine_lost before the first token', answer: undefined }
    }
  }
  return { kind: 'streaming', headers, begun, rest: { [Symbol.asyncIterator]: () => chunks } }
}
