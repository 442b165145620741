import {
  type ModelChange,
  type OperatorAnswer,
  operatorAnswersSchema,
  type OperatorLetter,
  parseDocument,
  type PoolOrders,
} from '@kvasir/contracts'
import { CLUSTER_ACTOR, coordinatorPeer } from '@kvasir/coordinator-core'
import type { ActorStore, ActorStores } from '@kvasir/platform'
import { Refusal } from './refusal.js'

/** Longest time an operator waits until a change is durable, ms: longer than it takes to replace an owner. */
const ANSWER_WITHIN_MS = 6_000
/** How often an answer is looked for when nobody rings, and how often the letter is said again, ms. */
const LOOK_EVERY_MS = 100
const SAY_EVERY_MS = 1_000

/** Brings operators' changes to the owner of the cluster, and waits until they are durable: the answer is part of the commit. */
export class OperatorDesk {
  readonly #store: ActorStore
  readonly #peer: string
  readonly #run: string
  #letters = 0
  #listeners = new Set<() => void>()
  #silence: (() => void) | undefined

  constructor(coordinator: string, stores: ActorStores) {
    this.#store = stores.actor(CLUSTER_ACTOR)
    this.#peer = coordinatorPeer(coordinator)
    // Ids of an earlier run of this process must not be those of this one.
    this.#run = `${coordinator}/${Date.now().toString(36)}`
  }

  async start(): Promise<void> {
    this.#silence = await this.#store.onTick(this.#peer, () => {
      for (const listener of this.#listeners) listener()
    })
  }

  stop(): void {
    this.#silence?.()
  }

  /** @throws {Refusal} when it is not known in time whether it is durable. */
  change(change: ModelChange): Promise<OperatorAnswer> {
    return this.#send({ kind: 'model', id: this.#newId(), change })
  }

  /** @throws {Refusal} as {@link change}. */
  order(orders: PoolOrders): Promise<OperatorAnswer> {
    return this.#send({ kind: 'orders', id: this.#newId(), orders })
  }

  #newId(): string {
    return `${this.#run}/${++this.#letters}`
  }

  async #send(letter: OperatorLetter): Promise<OperatorAnswer> {
    const text = JSON.stringify(letter)
    const untilMs = Date.now() + ANSWER_WITHIN_MS
    let sayAgainMs = 0
    while (Date.now() < untilMs) {
      const ticked = this.#tick()
      if (Date.now() >= sayAgainMs) {
        // Said twice it is carried out once: it has an id.
        const said = await this.#store.peer({ kind: 'say', peer: this.#peer, text })
        if (said.kind === 'failed')
          throw Refusal.unavailable(
            `the store does not answer (${said.detail}); whether the change was made is not known: read it again`,
          )
        sayAgainMs = Date.now() + SAY_EVERY_MS
      }
      const answer = await this.#answerTo(letter.id)
      if (answer) return answer
      await ticked
    }
    throw Refusal.unavailable(
      `no owner of the cluster has answered within ${ANSWER_WITHIN_MS / 1000} s; whether the change was made is not known: read it again`,
    )
  }

  async #answerTo(id: string): Promise<OperatorAnswer | undefined> {
    const answer = await this.#store.peer({ kind: 'read', peer: this.#peer })
    if (answer.kind !== 'document' || answer.text === null) return undefined
    const parsed = parseDocument(operatorAnswersSchema, JSON.parse(answer.text))
    if (parsed.kind === 'refused') return undefined
    return parsed.value.answers.find((one) => one.id === id)
  }

  /** Something may have been answered. */
  #tick(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#listeners.delete(done)
        resolve()
      }
      const timer = setTimeout(done, LOOK_EVERY_MS)
      this.#listeners.add(done)
    })
  }
}
