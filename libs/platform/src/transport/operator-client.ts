import { type OperatorAnswer, operatorAnswersSchema, type OperatorLetter } from '@kvasir/contracts'
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices'
import type { Observable } from 'rxjs'
import type { ActorStore } from '../live/actor-store.js'
import { readText } from '../live/read-text.js'

/** The client as those see it who speak through it: what is said, and under which pattern, is as contracts have it. */
export interface OperatorMessages {
  /** Gives the one answer, when the change is durable. Fails with {@link Unanswered}. */
  send<Letter extends OperatorLetter>(pattern: Letter['kind'], letter: Letter): Observable<OperatorAnswer>
}

/** Whether what was said has been carried out is not known. */
export class Unanswered extends Error {}

export interface OperatorClientOptions {
  /** Of the actor that is spoken to. */
  readonly store: ActorStore
  /** As whom: answers come in this peer's document. */
  readonly peer: string
  /** The store cannot be listened to: answers are found by looking. */
  deaf(error: unknown): void
}

/** Longest wait for an answer, ms: longer than it takes to replace an owner. */
const ANSWER_WITHIN_MS = 6_000
/** How often an answer is looked for when nobody rings, and how often the letter is said again, ms. */
const LOOK_EVERY_MS = 100
const SAY_EVERY_MS = 1_000

/**
 * What a coordinator says to the owner of the cluster, as Nest's messages. A letter is said until it is answered: said twice it is carried
 * out once, for it has an id. The answer is the machine's, and part of the commit that makes the change durable.
 */
export class OperatorClient extends ClientProxy implements OperatorMessages {
  readonly #options: OperatorClientOptions
  readonly #waiting = new Set<() => void>()
  #listening: Promise<(() => void) | undefined> | undefined

  constructor(options: OperatorClientOptions) {
    super()
    this.#options = options
  }

  /** Listens for answers. Nobody waits for that: while the store cannot be listened to it is looked at. */
  override async connect(): Promise<void> {
    this.#listening ??= this.#listen()
  }

  override close(): void {
    void this.#listening?.then((silence) => silence?.())
  }

  override unwrap(): never {
    throw new TypeError('this client has no connection of its own: its store is that of the process')
  }

  protected override publish(
    { data }: ReadPacket<OperatorLetter>,
    answered: (packet: WritePacket<OperatorAnswer>) => void,
  ): () => void {
    const asking = { over: false }
    this.#ask(data, asking).then(
      (response) => answered({ response, isDisposed: true }),
      (err: unknown) => answered({ err, isDisposed: true }),
    )
    return () => {
      asking.over = true
    }
  }

  protected override dispatchEvent(): never {
    throw new TypeError('operators wait until their change is durable; send it')
  }

  async #listen(): Promise<(() => void) | undefined> {
    const { store, peer, deaf } = this.#options
    try {
      return await store.onTick(peer, () => {
        for (const look of this.#waiting) look()
      })
    } catch (error) {
      this.#listening = undefined
      deaf(error)
      return undefined
    }
  }

  async #ask(letter: OperatorLetter, asking: { readonly over: boolean }): Promise<OperatorAnswer> {
    const untilMs = Date.now() + ANSWER_WITHIN_MS
    let sayAgainMs = 0
    while (Date.now() < untilMs && !asking.over) {
      const ticked = this.#tick()
      if (Date.now() >= sayAgainMs) {
        await this.#say(letter)
        sayAgainMs = Date.now() + SAY_EVERY_MS
      }
      const answer = await this.#answerTo(letter.id)
      if (answer) return answer
      await ticked
    }
    throw new Unanswered(`no owner of the cluster has answered within ${ANSWER_WITHIN_MS / 1000} s`)
  }

  async #say(letter: OperatorLetter): Promise<void> {
    const { store, peer } = this.#options
    const said = await store.peer({ kind: 'say', peer, text: JSON.stringify(letter) })
    if (said.kind === 'failed') throw new Unanswered(`the store does not answer (${said.detail})`)
  }

  async #answerTo(id: string): Promise<OperatorAnswer | undefined> {
    const { store, peer } = this.#options
    const document = await store.peer({ kind: 'read', peer })
    if (document.kind !== 'document' || document.text === null) return undefined
    const read = readText(operatorAnswersSchema, document.text)
    return read.kind === 'read' ? read.message.answers.find((answer) => answer.id === id) : undefined
  }

  /** Something may have been answered. */
  #tick(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, LOOK_EVERY_MS)
      this.#waiting.add(done)
    })
  }
}
