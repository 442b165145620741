import { setMaxListeners } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'
import type { Micros } from '@kvasir/kernel'

/** A completion to ask for, and what was seen of it. */
export interface DemoRequest {
  readonly model: string
  readonly promptTokens: number
  readonly outputTokens: number
  readonly priority: number
  /** In place of one that begins like no other. */
  readonly prompt?: string
  /** Beside those that say what is above. */
  readonly headers?: Readonly<Record<string, string>>
}

export type Seen =
  | {
      readonly kind: 'finished'
      /** As the gateway says it; engines do not. */
      readonly engine: string | undefined
      readonly ttftUs: Micros
      /** To the last token. */
      readonly e2eUs: Micros
      /** As the engine counted them. */
      readonly tokens: number
      /** As they were read: simulated models put out tokens of four characters. */
      readonly received: number
    }
  /** `queue_full`, `engine_lost`, … as the gateway says it. */
  | { readonly kind: 'failed'; readonly reason: string }

const agents = { http: new Agent({ keepAlive: true }), https: new SecureAgent({ keepAlive: true }) }

/**
 * Asks for a stream and reads it to its end. Never throws. What times are measured with must be quick itself: `fetch` takes a
 * millisecond more until the first token.
 */
export async function playRequest(
  gateway: string,
  id: string,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<Seen> {
  const { model, promptTokens, outputTokens, priority, prompt = promptOf(id, promptTokens) } = request
  const beganUs = nowUs()
  try {
    const headers = { 'x-priority': String(priority), 'x-request-id': id, ...request.headers }
    const body = JSON.stringify({
      model,
      prompt,
      max_tokens: outputTokens,
      stream: true,
      stream_options: { include_usage: true },
    })
    const response = await post(`${gateway}/v1/completions`, { headers, body, signal })
    response.setEncoding('utf8')
    if (response.statusCode !== 200) return { kind: 'failed', reason: reasonIn(await textOf(response)) }
    const engine = response.headers['x-kvasir-engine']
    return await read(response, beganUs, typeof engine === 'string' ? engine : undefined)
  } catch (error) {
    return { kind: 'failed', reason: signal.aborted ? 'stopped' : messageOf(error) }
  }
}

interface Posted {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

function post(url: string, { headers, body, signal }: Posted): Promise<IncomingMessage> {
  const secure = url.startsWith('https:')
  // One signal stops all requests that are under way.
  setMaxListeners(0, signal)
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      agent: secure ? agents.https : agents.http,
      signal,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
      },
    }
    const request = secure ? httpsRequest(url, options, resolve) : httpRequest(url, options, resolve)
    // What breaks after the response has begun is the response's to tell.
    request.on('error', reject)
    request.end(body)
  })
}

async function textOf(body: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const part of body) text += part
  return text
}

async function read(body: AsyncIterable<string>, beganUs: Micros, engine: string | undefined): Promise<Seen> {
  let firstUs: Micros | undefined
  let lastUs = beganUs
  let tokens: number | undefined
  let characters = 0
  let rest = ''
  for await (const chunk of body) {
    const events = (rest + chunk).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      if (event.includes('"error"')) return { kind: 'failed', reason: reasonIn(event.replace(/^data: /, '')) }
      const counted = /"completion_tokens":(\d+)/.exec(event)?.[1]
      if (counted !== undefined) tokens = Number(counted)
      const text = /"text":"([^"]*)"/.exec(event)?.[1] ?? ''
      if (text === '') continue
      lastUs = nowUs()
      firstUs ??= lastUs
      characters += text.length
    }
  }
  if (firstUs === undefined || tokens === undefined) return { kind: 'failed', reason: 'cut off' }
  const received = characters / CHARACTERS_PER_TOKEN
  return { kind: 'finished', engine, ttftUs: firstUs - beganUs, e2eUs: lastUs - beganUs, tokens, received }
}

/** Of the words that simulated models put out: a blank and three letters (`apps/engine/src/text/output.ts`). */
const CHARACTERS_PER_TOKEN = 4

/** Engines count a token for every four bytes. No two prompts begin alike. */
function promptOf(id: string, tokens: number): string {
  return `${id} `.padEnd(4 * tokens, 'lorem ipsum dolor sit amet ')
}

function reasonIn(text: string): string {
  return /"code":\s*"([^"]+)"/.exec(text)?.[1] ?? text.slice(0, 60)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function nowUs(): Micros {
  return Math.round(performance.now() * 1000)
}
