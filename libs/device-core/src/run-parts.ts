/**
 * The parts of a group that runs under way have, by the run's number. There are as many as engines on the group, so that a look through
 * them is cheaper than a map, which would grow and shrink with every step.
 */
export class RunParts {
  readonly #turns: number[] = []
  readonly #parts: number[] = []
  #count = 0

  add(turn: number, part: number): void {
    this.#turns[this.#count] = turn
    this.#parts[this.#count++] = part
  }

  /** The part of a run that has ended; 0 when it is not under way. */
  take(turn: number): number {
    for (let i = 0; i < this.#count; i++) {
      if (this.#turns[i] !== turn) continue
      const part = this.#parts[i]
      const last = --this.#count
      this.#turns[i] = this.#turns[last]
      this.#parts[i] = this.#parts[last]
      return part
    }
    return 0
  }
}
