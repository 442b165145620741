import type { ServerResponse } from 'node:http'
import type { AnswerEnd, AnswerSink } from '../generation.js'
import type { AnswerHead, AnswerShape } from './answer-shape.js'
import { errorOf, type OpenAiError } from './openai-error.js'

export interface EventStreamOptions {
  readonly response: ServerResponse
  readonly head: AnswerHead
  readonly shape: AnswerShape
  readonly includeUsage: boolean
  /** Sent with the first part. */
  readonly headers: Readonly<Record<string, string>>
  /** From here on the response is written here alone. */
  begin(): void
  /** There is no answer, and nothing was sent: it can still be an error like any other. */
  failed(error: OpenAiError): void
}

/**
 * An answer as server-sent events. Nothing is sent before there is a first part, so that what never begins has a status of its own, and
 * may be tried elsewhere. For a client that reads slowly, parts are joined.
 */
export class EventStream implements AnswerSink {
  readonly #options: EventStreamOptions
  #begun = false
  /** Text that waits for the client to have read what was sent before. */
  #held = ''
  #first = true

  constructor(options: EventStreamOptions) {
    this.#options = options
    options.response.on('drain', () => this.#flush())
  }

  text(text: string): void {
    this.#held += text
    if (!this.#options.response.writableNeedDrain) this.#flush()
  }

  end(end: AnswerEnd): void {
    const { head, shape, includeUsage, response, failed } = this.#options
    if (end.kind !== 'finished') {
      const error = errorOf(end)
      if (!this.#begun) return failed(error)
      this.#send(error.body)
      response.end()
      return
    }
    this.#flush()
    this.#send(shape.lastPart(head, end.finish))
    if (includeUsage) this.#send(shape.usagePart(head, end.usage))
    response.end('data: [DONE]\n\n')
  }

  #flush(): void {
    if (this.#held === '') return
    const { head, shape } = this.#options
    const part = shape.part(head, this.#held, { first: this.#first })
    this.#held = ''
    this.#first = false
    this.#send(part)
  }

  #send(event: unknown): void {
    const { response } = this.#options
    const text = `data: ${JSON.stringify(event)}\n\n`
    if (this.#begun) response.write(text)
    else this.#begin(text)
  }

  /** The first part leaves at once; later ones when the engine has sent its next step, which Node does by itself. */
  #begin(text: string): void {
    const { response, headers, begin } = this.#options
    this.#begun = true
    begin()
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
    })
    const { socket } = response
    socket?.cork()
    response.write(text)
    socket?.uncork()
  }
}
