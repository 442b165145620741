/**
 * Ctrl-C, asked for politely once: the run stops at its next pause and writes what there is. A second one ends the
 * process.
 */
export class Interrupt {
  #asked = false
  readonly #onAsked: () => void
  #listener = () => {
    this.#asked = true
    this.#onAsked()
    // From here on the signal has its usual effect.
    process.off('SIGINT', this.#listener)
    process.off('SIGTERM', this.#listener)
  }

  /** @param onAsked called at the first Ctrl-C, for those that do not look for themselves. */
  constructor(onAsked: () => void = () => {}) {
    this.#onAsked = onAsked
    process.on('SIGINT', this.#listener)
    process.on('SIGTERM', this.#listener)
  }

  get asked(): boolean {
    return this.#asked
  }

  dispose(): void {
    process.off('SIGINT', this.#listener)
    process.off('SIGTERM', this.#listener)
  }
}
