import { invariant } from '@kvasir/kernel'
import { nearestRank, type Samples } from './samples.js'

/**
 * Every value is kept: 8 bytes a sample. For numbers of which there is one a request; what there is one a token of belongs
 * into a `CountingHistogram`. Sorted at the first question after an addition, in place, so the order of arrival is not kept.
 */
export class SampleSet implements Samples {
  #values = new Float64Array(64)
  #count = 0
  #sum = 0
  #isSorted = true

  add(value: number): void {
    invariant(Number.isFinite(value), () => `a sample must be finite, not ${value}`)
    if (this.#count === this.#values.length) this.#grow(this.#count * 2)
    this.#values[this.#count++] = value
    this.#sum += value
    this.#isSorted = false
  }

  /** Adds the samples of `other`, which stays as it is. */
  merge(other: SampleSet): void {
    const total = this.#count + other.#count
    if (total > this.#values.length) this.#grow(Math.max(total, this.#values.length * 2))
    this.#values.set(other.#values.subarray(0, other.#count), this.#count)
    this.#count = total
    this.#sum += other.#sum
    this.#isSorted = false
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  mean(): number | undefined {
    return this.#count === 0 ? undefined : this.#sum / this.#count
  }

  min(): number | undefined {
    return this.#count === 0 ? undefined : this.sorted()[0]
  }

  max(): number | undefined {
    return this.#count === 0 ? undefined : this.sorted()[this.#count - 1]
  }

  percentile(percent: number): number | undefined {
    return this.#count === 0 ? undefined : this.sorted()[nearestRank(percent, this.#count) - 1]
  }

  /** How many values are at most `limit`. */
  countAtMost(limit: number): number {
    const values = this.sorted()
    let low = 0
    let high = values.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (values[middle] <= limit) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The values in ascending order: a view, valid until the next addition. */
  sorted(): Float64Array {
    const values = this.#values.subarray(0, this.#count)
    if (!this.#isSorted) values.sort()
    this.#isSorted = true
    return values
  }

  #grow(capacity: number): void {
    const wider = new Float64Array(capacity)
    wider.set(this.#values.subarray(0, this.#count))
    this.#values = wider
  }
}
