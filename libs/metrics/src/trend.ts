/** The slope of a value over time by least squares, in constant memory. */
export class Trend {
  #count = 0
  #time = 0
  #value = 0
  #timeSquared = 0
  #product = 0

  add(time: number, value: number): void {
    this.#count++
    this.#time += time
    this.#value += value
    this.#timeSquared += time * time
    this.#product += time * value
  }

  merge(other: Trend): void {
    this.#count += other.#count
    this.#time += other.#time
    this.#value += other.#value
    this.#timeSquared += other.#timeSquared
    this.#product += other.#product
  }

  /** Value per unit of time; 0 for fewer than two times. */
  get slope(): number {
    const spread = this.#count * this.#timeSquared - this.#time * this.#time
    return spread <= 0 ? 0 : (this.#count * this.#product - this.#time * this.#value) / spread
  }
}
