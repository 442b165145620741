import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import {
  type Completion,
  type CompletionSessionRequest,
  type CompletionSessionResponse,
  wireEnd,
} from '@kvasir/wire'
import { OpenAiError } from '../api/openai-error.js'
import type { Engine } from '../engine.js'
import { completionErrorOf } from './completion-error.js'
import { PacedAnswer } from './paced-answer.js'
import { readCompletion } from './read-completion.js'

type Call = ServerDuplexStream<CompletionSessionRequest, CompletionSessionResponse>

/** Requests of one session under way at most. */
const UNDER_WAY_MOST = 4_096

interface UnderWay {
  readonly paced: PacedAnswer
  abort(): void
}

/**
 * Many answers over one stream. While the client does not read what was sent, parts of each answer are joined, and nothing more is read
 * from it. When it half-closes the stream, what is under way is finished; when the stream is lost, it is ended.
 */
export class CompletionSession {
  readonly #call: Call
  readonly #engine: Engine
  /** By the client's id. */
  readonly #answers = new Map<string, UnderWay>()
  #halfClosed = false
  #over = false

  constructor(call: Call, engine: Engine) {
    this.#call = call
    this.#engine = engine
    call.on('data', (request: CompletionSessionRequest) => this.#heard(request))
    call.on('drain', () => this.#drained())
    call.on('end', () => {
      this.#halfClosed = true
      this.#endWhenDone()
    })
    call.on('cancelled', () => this.#lost())
    call.on('error', () => this.#lost())
  }

  #heard({ id, command }: CompletionSessionRequest): void {
    if (this.#over) return
    const known = this.#answers.get(id)
    if (command === undefined) return this.#broken(`the command of "${id}" is missing`)
    if (command.$case === 'cancel') return known?.abort()
    if (id === '') return this.#broken('id is ""; it must be a text')
    if (known) return this.#broken(`id is "${id}"; it must not be that of a request under way`)
    this.#submit(id, command.value)
  }

  #submit(id: string, completion: Completion): void {
    try {
      if (this.#answers.size >= UNDER_WAY_MOST) throw sessionFull()
      const { ask } = readCompletion(completion, this.#engine.profile.model.name)
      const underWay = { paced: this.#pacedAnswer(id), abort: () => {} }
      this.#answers.set(id, underWay)
      // It may have been refused by the time this returns.
      underWay.abort = this.#engine.answer(ask, underWay.paced)
    } catch (error) {
      this.#send({ id, part: { $case: 'error', value: completionErrorOf(error) } })
    }
  }

  #pacedAnswer(id: string): PacedAnswer {
    const call = this.#call
    const last = (part: CompletionSessionResponse['part']) => {
      this.#answers.delete(id)
      this.#send({ id, part })
      this.#endWhenDone()
    }
    return new PacedAnswer({
      get open() {
        return !call.writableNeedDrain
      },
      text: (value) => this.#send({ id, part: { $case: 'text', value } }),
      finished: (finish, usage) => last({ $case: 'end', value: wireEnd(finish, usage) }),
      failed: (error) => last({ $case: 'error', value: completionErrorOf(error) }),
    })
  }

  #send(response: CompletionSessionResponse): void {
    if (this.#over) return
    if (!this.#call.write(response)) this.#call.pause()
  }

  #drained(): void {
    this.#call.resume()
    for (const { paced } of this.#answers.values()) {
      if (this.#call.writableNeedDrain) return
      paced.flush()
    }
  }

  #endWhenDone(): void {
    if (this.#halfClosed && !this.#over && this.#answers.size === 0) this.#call.end()
  }

  /** The client does not keep to the protocol: nothing it says can be relied upon. */
  #broken(details: string): void {
    this.#call.emit('error', { code: status.INVALID_ARGUMENT, details })
  }

  #lost(): void {
    this.#over = true
    for (const { abort } of this.#answers.values()) abort()
    this.#answers.clear()
  }
}

function sessionFull(): OpenAiError {
  return new OpenAiError({
    status: 429,
    message: `queue_full: ${UNDER_WAY_MOST} requests of this session are under way`,
    code: 'queue_full',
    retryAfterS: 1,
  })
}
