/** The wish to stop: by a signal, or because something failed. A second signal ends the process at once. */
export class Stopping {
  readonly #controller = new AbortController()
  #failure: string | undefined
  readonly #listener = () => {
    if (this.#controller.signal.aborted) process.exit(1)
    this.ask()
  }

  constructor() {
    for (const name of signals) process.on(name, this.#listener)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why, when it was a failure. */
  get failure(): string | undefined {
    return this.#failure
  }

  get asked(): Promise<void> {
    const { signal } = this
    return signal.aborted
      ? Promise.resolve()
      : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  ask(failure?: string): void {
    this.#failure ??= failure
    this.#controller.abort()
  }

  dispose(): void {
    for (const name of signals) process.off(name, this.#listener)
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
