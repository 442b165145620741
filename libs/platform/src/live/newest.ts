/**
 * Handles what comes, one at a time. While one is being handled only the newest of the others waits: for what says everything, such as
 * documents. That is all the back-pressure they need. What `handle` throws ends the process.
 */
export class Newest<T> {
  readonly #handle: (value: T) => Promise<void>
  #waiting: { readonly value: T } | undefined
  #handling = false

  constructor(handle: (value: T) => Promise<void>) {
    this.#handle = handle
  }

  offer(value: T): void {
    this.#waiting = { value }
    if (!this.#handling) void this.#work()
  }

  async #work(): Promise<void> {
    this.#handling = true
    for (let next = this.#waiting; next; next = this.#waiting) {
      this.#waiting = undefined
      await this.#handle(next.value)
    }
    this.#handling = false
  }
}
