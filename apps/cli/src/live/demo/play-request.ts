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

/** Asks for a stream and reads it to its end. Never throws. */
export async function playRequest(
  gateway: string,
  id: string,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<Seen> {
  const { model, promptTokens, outputTokens, priority, prompt = promptOf(id, promptTokens) } = request
  const beganUs = nowUs()
  try {
    const response = await fetch(`${gateway}/v1/completions`, {
      method: 'POST',
      signal,
      headers: {
        'content-type': 'application/json',
        'x-priority': String(priority),
        'x-request-id': id,
        ...request.headers,
      },
      body: JSON.stringify({
        model,
        prompt,
        max_tokens: outputTokens,
        stream: true,
        stream_options: { include_usage: true },
      }),
    })
    if (!response.ok || !response.body) return { kind: 'failed', reason: reasonIn(await response.text()) }
    return await read(response.body, beganUs, response.headers.get('x-kvasir-engine') ?? undefined)
  } catch (error) {
    return { kind: 'failed', reason: signal.aborted ? 'stopped' : messageOf(error) }
  }
}

async function read(
  body: AsyncIterable<Uint8Array>,
  beganUs: Micros,
  engine: string | undefined,
): Promise<Seen> {
  const decoder = new TextDecoder()
  let firstUs: Micros | undefined
  let lastUs = beganUs
  let tokens: number | undefined
  let characters = 0
  let rest = ''
  for await (const chunk of body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
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
