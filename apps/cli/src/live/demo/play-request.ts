import type { Micros } from '@kvasir/kernel'

/** A completion to ask for, and what was seen of it. */
export interface DemoRequest {
  readonly model: string
  readonly promptTokens: number
  readonly outputTokens: number
  readonly priority: number
}

export type Seen =
  | { readonly kind: 'finished'; readonly ttftUs: Micros; readonly e2eUs: Micros; readonly tokens: number }
  /** `queue_full`, `engine_lost`, … as the gateway says it. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Asks for a stream and reads it to its end. Never throws. */
export async function playRequest(
  gateway: string,
  id: string,
  request: DemoRequest,
  signal: AbortSignal,
): Promise<Seen> {
  const { model, promptTokens, outputTokens, priority } = request
  const beganUs = nowUs()
  try {
    const response = await fetch(`${gateway}/v1/completions`, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', 'x-priority': String(priority), 'x-request-id': id },
      body: JSON.stringify({
        model,
        prompt: promptOf(id, promptTokens),
        max_tokens: outputTokens,
        stream: true,
        stream_options: { include_usage: true },
      }),
    })
    if (!response.ok || !response.body) return { kind: 'failed', reason: reasonIn(await response.text()) }
    return await read(response.body, beganUs)
  } catch (error) {
    return { kind: 'failed', reason: signal.aborted ? 'stopped' : messageOf(error) }
  }
}

async function read(body: AsyncIterable<Uint8Array>, beganUs: Micros): Promise<Seen> {
  const decoder = new TextDecoder()
  let firstUs: Micros | undefined
  let tokens = 0
  let rest = ''
  for await (const chunk of body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) {
      if (event.includes('"error"')) return { kind: 'failed', reason: reasonIn(event.replace(/^data: /, '')) }
      if (!event.includes('"text"')) continue
      firstUs ??= nowUs()
      tokens++
    }
  }
  const endUs = nowUs()
  return { kind: 'finished', ttftUs: (firstUs ?? endUs) - beganUs, e2eUs: endUs - beganUs, tokens }
}

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
