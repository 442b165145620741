import { errorOf, type OpenAiError } from '../api/openai-error.js'
import type { AnswerEnd, AnswerSink, Usage } from '../generation.js'

/** Where an answer goes: a call of its own, or a session that it shares. */
export interface Outlet {
  /** Whether the client has read what was sent before. */
  readonly open: boolean
  text(text: string): void
  finished(finish: 'stop' | 'length', usage: Usage): void
  failed(error: OpenAiError): void
}

/** An answer for a client that may read slowly: what it cannot take yet is joined to one part. */
export class PacedAnswer implements AnswerSink {
  readonly #outlet: Outlet
  #held = ''

  constructor(outlet: Outlet) {
    this.#outlet = outlet
  }

  text(text: string): void {
    this.#held += text
    if (this.#outlet.open) this.flush()
  }

  /** The client can take more. */
  flush(): void {
    if (this.#held === '') return
    const text = this.#held
    this.#held = ''
    this.#outlet.text(text)
  }

  end(end: AnswerEnd): void {
    this.flush()
    if (end.kind === 'finished') this.#outlet.finished(end.finish, end.usage)
    else this.#outlet.failed(errorOf(end))
  }
}
