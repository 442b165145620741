import { SeededRng } from '@kvasir/kernel'

/**
 * At most so many of a stream's members, each as likely as any other to be kept (Vitter, "Random Sampling with a Reservoir",
 * 1985, algorithm R).
 */
export class Reservoir<T> {
  readonly #limit: number
  readonly #rng: SeededRng
  #kept: T[] = []
  #seen = 0

  constructor(limit: number, seed: number) {
    this.#limit = limit
    this.#rng = new SeededRng(seed, 'reservoir')
  }

  add(member: T): void {
    this.#seen++
    if (this.#kept.length < this.#limit) {
      this.#kept.push(member)
      return
    }
    const place = this.#rng.int(this.#seen)
    if (place < this.#limit) this.#kept[place] = member
  }

  get seen(): number {
    return this.#seen
  }

  get kept(): readonly T[] {
    return this.#kept
  }
}
