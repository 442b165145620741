import { invariant } from '@kvasir/kernel'
import { TokenContent } from '@kvasir/kv-cache'
import type { SequenceListener } from '@kvasir/platform'
import type { FinishReason, SequenceView } from '@kvasir/scheduler'
import type { PlannedAnswer } from './text/planned-answer.js'

/** How a request ended. */
export type AnswerEnd =
  | { readonly kind: 'finished'; readonly finish: FinishReason; readonly usage: Usage }
  /** Before it began. */
  | { readonly kind: 'refused'; readonly reason: string; readonly detail: string }
  /** It was accepted, and will not be finished. */
  | { readonly kind: 'ended'; readonly reason: string }

export interface Usage {
  readonly promptTokens: number
  /** Prompt tokens whose KV was found in the prefix cache. */
  readonly cachedTokens: number
  readonly completionTokens: number
}

/** Who waits for an answer. `end` is called once, and nothing after it. */
export interface AnswerSink {
  text(text: string): void
  end(end: AnswerEnd): void
}

/** One answer while it is being computed: its tokens become text, and content for the prefix cache. */
export class Generation implements SequenceListener {
  readonly content: TokenContent
  readonly #promptTokens: number
  readonly #answer: PlannedAnswer
  readonly #sink: AnswerSink
  #tokens = 0
  #characters = 0

  constructor(prompt: readonly number[], answer: PlannedAnswer, sink: AnswerSink) {
    this.content = new TokenContent(prompt, answer.outputTokens)
    this.#promptTokens = prompt.length
    this.#answer = answer
    this.#sink = sink
  }

  tokens(count: number): void {
    const { output, textLength } = this.#answer
    let text = ''
    for (let i = 0; i < count; i++) {
      this.content.append(output.token(this.#tokens))
      text += output.text(this.#tokens++)
    }
    const part = text.slice(0, Math.max(0, textLength - this.#characters))
    this.#characters += text.length
    if (part !== '') this.#sink.text(part)
  }

  finished(_reason: FinishReason, { hitTokens }: SequenceView): void {
    const { outputTokens, finish } = this.#answer
    invariant(
      this.#tokens === outputTokens,
      () => `an answer of ${outputTokens} tokens is finished with ${this.#tokens}`,
    )
    const promptTokens = this.#promptTokens
    const usage = {
      promptTokens,
      cachedTokens: Math.min(hitTokens, promptTokens),
      completionTokens: this.#tokens,
    }
    this.#sink.end({ kind: 'finished', finish, usage })
  }

  refused(reason: string, detail: string): void {
    this.#sink.end({ kind: 'refused', reason, detail })
  }

  ended(reason: string): void {
    this.#sink.end({ kind: 'ended', reason })
  }
}
