import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a stand-in does with a completion. */
export type Behaviour = (response: ServerResponse, body: Record<string, unknown>) => void

/** The HTTP side of an engine, played by a script: the gateway sees nothing else of one. */
export class StandInEngine {
  behaviour: Behaviour = answers('hello')
  ready = true
  readonly bodies: Record<string, unknown>[] = []
  readonly headers: IncomingMessage['headers'][] = []
  /** Completions whose client went before the answer was complete. */
  cancelled = 0
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<StandInEngine> {
    const engine = new StandInEngine()
    await new Promise<void>((resolve) => engine.#server.listen(0, '127.0.0.1', resolve))
    return engine
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** As kill -9 does: what is under way breaks off. */
  kill(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/ready') {
      response.writeHead(this.ready ? 200 : 503).end()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    this.bodies.push(body)
    this.headers.push(request.headers)
    response.once('close', () => {
      if (!response.writableFinished) this.cancelled++
    })
    this.behaviour(response, body)
  }
}

/** Answers with `text`, streamed word by word if that is asked for. */
export function answers(text: string): Behaviour {
  return (response, body) => {
    if (body['stream'] === true) {
      begins(text.split(' '))(response, body)
      response.end('data: [DONE]\n\n')
      return
    }
    const choice = { index: 0, message: { role: 'assistant', content: text }, text, finish_reason: 'stop' }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ id: 'cmpl-1', object: 'chat.completion', choices: [choice] }))
  }
}

/** Begins a stream with these words, after saying who speaks, and leaves it open. */
export function begins(words: readonly string[]): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(event({ role: 'assistant', content: '' }))
    for (const word of words) response.write(event({ content: word }))
  }
}

function event(delta: Record<string, string>): string {
  const chunk = {
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: null }],
  }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

export function refuses(status: number, code: string, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify({ error: { message: code, type: 'server_error', param: null, code } }))
  }
}

/** Breaks off without a word. */
export const dies: Behaviour = (response) => void response.destroy()
