import type { ModelChange, OperatorAnswer, PoolOrders } from '@kvasir/contracts'
import { type OperatorMessages, Unanswered } from '@kvasir/platform'
import { lastValueFrom, type Observable } from 'rxjs'
import { Refusal } from './refusal.js'

/** Brings operators' changes to the owner of the cluster, and waits until they are durable. */
export class OperatorDesk {
  readonly #owner: OperatorMessages
  readonly #run: string
  #letters = 0

  constructor(coordinator: string, owner: OperatorMessages) {
    this.#owner = owner
    // Ids of an earlier run of this process must not be those of this one.
    this.#run = `${coordinator}/${Date.now().toString(36)}`
  }

  /** @throws {Refusal} when it is not known in time whether it is durable. */
  change(change: ModelChange): Promise<OperatorAnswer> {
    return answerIn(this.#owner.send('model', { kind: 'model', id: this.#newId(), change }))
  }

  /** @throws {Refusal} as {@link change}. */
  order(orders: PoolOrders): Promise<OperatorAnswer> {
    return answerIn(this.#owner.send('orders', { kind: 'orders', id: this.#newId(), orders }))
  }

  #newId(): string {
    return `${this.#run}/${++this.#letters}`
  }
}

async function answerIn(answer: Observable<OperatorAnswer>): Promise<OperatorAnswer> {
  try {
    return await lastValueFrom(answer)
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    throw Refusal.unavailable(`${error.message}; whether the change was made is not known: read it again`)
  }
}
