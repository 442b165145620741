import type { AnswerEnd, AnswerSink } from '../generation.js'
import type { AnswerHead, AnswerShape } from './answer-shape.js'
import { errorOf } from './openai-error.js'

/** An answer that is sent when it is complete. */
export class WholeAnswer implements AnswerSink {
  readonly #head: AnswerHead
  readonly #shape: AnswerShape
  #text = ''
  #settle: ((end: AnswerEnd) => void) | undefined
  readonly #end = new Promise<AnswerEnd>((resolve) => {
    this.#settle = resolve
  })

  constructor(head: AnswerHead, shape: AnswerShape) {
    this.#head = head
    this.#shape = shape
  }

  text(text: string): void {
    this.#text += text
  }

  end(end: AnswerEnd): void {
    this.#settle?.(end)
  }

  /** Resolves with the body. @throws {OpenAiError} when there is none. */
  async body(): Promise<unknown> {
    const end = await this.#end
    if (end.kind !== 'finished') throw errorOf(end)
    return this.#shape.whole(this.#head, this.#text, end.finish, end.usage)
  }
}
