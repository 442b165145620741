/** A Float64Array that doubles: push in amortised O(1), 8 bytes an element. */
export class GrowableFloats {
  #values: Float64Array
  #length = 0

  constructor(capacity = 256) {
    this.#values = new Float64Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const wider = new Float64Array(this.#values.length * 2)
      wider.set(this.#values)
      this.#values = wider
    }
    this.#values[this.#length++] = value
  }

  at(index: number): number {
    return this.#values[index]
  }

  set(index: number, value: number): void {
    this.#values[index] = value
  }

  /** A view of what was pushed; valid until the next push. */
  view(): Float64Array {
    return this.#values.subarray(0, this.#length)
  }
}
