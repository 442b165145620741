import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRng } from '@kvasir/kernel'

/** How a request ended, as its client saw it. */
export type RequestEnd =
  | { readonly kind: 'finished' }
  /** Before anything of an answer. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** After some of it, by an event that says why. */
  | { readonly kind: 'ended'; readonly code: string }
  /** The connection broke, or closed without a word. */
  | { readonly kind: 'broken'; readonly detail: string }
  | { readonly kind: 'none' }

export interface RequestRecord {
  readonly id: string
  readonly model: string
  readonly prompt: string
  readonly maxTokens: number
  readonly priority: number
  readonly sentMs: number
  endedMs: number
  text: string
  tokensSaid: number | undefined
  end: RequestEnd
}

export interface ClientLoadOptions {
  readonly gateway: string
  readonly models: readonly string[]
  readonly seed: number
  readonly clients: number
}

/** A request without an end after so long will have none, ms. */
const PATIENCE_MS = 90_000
/** Prompts of which each model gets each again and again: equal questions must have equal answers. */
const PROMPTS = 12
/**
 * Lengths of prompts in characters, four to a token: a tenth, a half and nearly all of a third of a pool. Memory must be scarce while the
 * machine that all processes share is not busier for it, so it is prompts that are long, and not answers.
 */
const PROMPT_CHARACTERS = [440, 1_800, 3_600]
/** Each client asks in one of so many bands of priority: work of the lower ones is stopped for the higher. */
const BANDS = 4
/** Between two requests of a client whose gateway is down, and of one who was refused, ms. */
const PAUSE_MS = { broken: 1_000, refused: 200 }

/** Clients that ask, read the answer to its end, and ask again. */
export class ClientLoad {
  readonly records: RequestRecord[] = []
  /** Time of every token, ms. */
  readonly tokenTimes: number[] = []
  readonly #options: ClientLoadOptions
  #stopped = false
  #clients: Promise<unknown> = Promise.resolve()

  constructor(options: ClientLoadOptions) {
    this.#options = options
  }

  start(): void {
    const { clients } = this.#options
    this.#clients = Promise.all(Array.from({ length: clients }, (_, i) => this.#client(i)))
  }

  /** Lets everybody read to the end of what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#clients
  }

  async #client(index: number): Promise<void> {
    const { seed, models } = this.#options
    const rng = new SeededRng(seed, `client ${index}`)
    for (let count = 0; !this.#stopped; count++) {
      // The first models are asked most: their engines need memory that others have.
      const model = models[Math.min(rng.int(models.length), rng.int(models.length))]
      const characters = PROMPT_CHARACTERS[rng.int(PROMPT_CHARACTERS.length)]
      const { end } = await this.ask({
        id: `c${index}-${count}`,
        model,
        prompt: `${model} question ${rng.int(PROMPTS)} `.padEnd(characters, 'lorem ipsum '),
        maxTokens: 24 + rng.int(3) * 16,
        priority: index % BANDS,
      })
      if (end.kind !== 'finished') await sleep(end.kind === 'broken' ? PAUSE_MS.broken : PAUSE_MS.refused)
    }
  }

  /** Asks once, and notes what came of it. Never throws. */
  async ask(question: {
    readonly id: string
    readonly model: string
    readonly prompt: string
    readonly maxTokens: number
    readonly priority: number
  }): Promise<RequestRecord> {
    const record: RequestRecord = {
      ...question,
      sentMs: Date.now(),
      endedMs: 0,
      text: '',
      tokensSaid: undefined,
      end: { kind: 'none' },
    }
    this.records.push(record)
    try {
      await this.#read(record)
    } catch (error) {
      const detail = error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error)
      const late = error instanceof Error && error.name === 'TimeoutError'
      record.end = late ? { kind: 'none' } : { kind: 'broken', detail }
    }
    record.endedMs = Date.now()
    return record
  }

  async #read(record: RequestRecord): Promise<void> {
    const { id, model, prompt, maxTokens, priority } = record
    const response = await fetch(`${this.#options.gateway}/v1/completions`, {
      method: 'POST',
      signal: AbortSignal.timeout(PATIENCE_MS),
      headers: {
        'content-type': 'application/json',
        'x-request-id': id,
        'x-priority': String(priority),
      },
      body: JSON.stringify({
        model,
        prompt,
        max_tokens: maxTokens,
        stream: true,
        stream_options: { include_usage: true },
      }),
    })
    if (!response.ok || !response.body) {
      record.end = { kind: 'refused', status: response.status, code: codeIn(await response.text()) }
      return
    }
    record.end = { kind: 'broken', detail: 'the stream closed without an end' }
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body) {
      const events = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) this.#take(record, event.replace(/^data: /, ''))
    }
  }

  #take(record: RequestRecord, data: string): void {
    if (data === '[DONE]') {
      record.end = { kind: 'finished' }
      return
    }
    const event = JSON.parse(data) as {
      readonly error?: { readonly code: string | null }
      readonly choices?: readonly { readonly text?: string }[]
      readonly usage?: { readonly completion_tokens: number } | null
    }
    if (event.error) record.end = { kind: 'ended', code: event.error.code ?? 'unknown' }
    const text = event.choices?.[0]?.text ?? ''
    if (text !== '') this.tokenTimes.push(Date.now())
    record.text += text
    if (event.usage) record.tokensSaid = event.usage.completion_tokens
  }
}

function codeIn(text: string): string {
  return /"code":\s*"([^"]+)"/.exec(text)?.[1] ?? text.slice(0, 60)
}
