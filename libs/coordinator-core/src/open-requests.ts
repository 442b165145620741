import type { PreemptionRequest } from '@kvasir/contracts'
import type { Bundles, Micros } from '@kvasir/kernel'
import type { Creditor, Debit } from './debits.js'

/** A preemption request between its decision and its end. */
export interface OpenRequest extends Creditor {
  /** As its engine sent it. */
  readonly message: PreemptionRequest
  readonly engine: string
  readonly bundles: Bundles
  readonly minBundles: Bundles
  readonly priority: number
  readonly class: PreemptionRequest['class']
  /** When the answer is of no more use to the requester. */
  readonly deadlineUs: Micros
  /** When donors must have released. */
  graceUs: Micros
  debits: Debit[]
  costUs: Micros
  replanned: boolean
}

/** @param graceUs time a donor has to release. */
export function openRequest(now: Micros, message: PreemptionRequest, graceUs: Micros): OpenRequest {
  return {
    message,
    id: message.id,
    engine: message.engine,
    bundles: message.bundles,
    minBundles: Math.min(message.minBundles, message.bundles),
    priority: message.priority,
    class: message.class,
    deadlineUs: now + message.withinUs,
    graceUs: now + Math.min(graceUs, message.withinUs),
    reserved: 0,
    debits: [],
    costUs: 0,
    replanned: false,
  }
}

/** Requests under way, in order of arrival: a list, because a pool has a handful of them. */
export class OpenRequests {
  #requests: OpenRequest[] = []

  /** As they are now: a list that is walked does not change when requests end meanwhile. */
  get all(): readonly OpenRequest[] {
    return this.#requests
  }

  add(request: OpenRequest): void {
    this.#requests = [...this.#requests, request]
  }

  remove(id: string): void {
    this.#requests = this.#requests.filter((request) => request.id !== id)
  }

  of(engine: string): readonly OpenRequest[] {
    return this.#requests.filter((request) => request.engine === engine)
  }

  find(id: string): OpenRequest | undefined {
    return this.#requests.find((request) => request.id === id)
  }

  /** Earliest time at which one of them must be looked at. */
  nextDeadline(): Micros {
    let earliest = Infinity
    for (const request of this.#requests) earliest = Math.min(earliest, request.graceUs, request.deadlineUs)
    return earliest
  }
}
