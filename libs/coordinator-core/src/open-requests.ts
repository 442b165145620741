import type { Micros } from '@kvasir/kernel'

/** What one donor still owes to a request. */
export interface Debit {
  readonly donor: string
  bundles: number
  /** See `reclaimOrderSchema`: null when any sequence may be stopped, undefined when none may. */
  readonly victimsBelow: number | null | undefined
}

/** A preemption request between its decision and its end. */
export interface OpenRequest {
  readonly id: string
  readonly engine: string
  readonly incarnation: number
  readonly bundles: number
  readonly minBundles: number
  readonly priority: number
  readonly class: 'auto' | 'entitlement' | 'priority'
  /** When the answer is of no more use to the requester. */
  readonly deadlineUs: Micros
  /** When donors must have released. */
  graceUs: Micros
  reserved: number
  debits: Debit[]
  costUs: number
  replanned: boolean
}

/** Requests under way, in order of arrival: a list, because a pool has a handful of them. */
export class OpenRequests {
  #requests: OpenRequest[] = []

  get all(): readonly OpenRequest[] {
    return this.#requests
  }

  add(request: OpenRequest): void {
    this.#requests.push(request)
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
