import { invariant } from '@kvasir/kernel'

const FREE = -1

/**
 * Which engine has each physical bundle mapped: the last word on ownership. A bundle has one owner because it is one
 * cell. Free bundles are handed out lowest first, so that runs of a seed agree.
 */
export class BundleMap {
  readonly total: number
  #owner: Int32Array
  /** Stack of free bundle ids, lowest on top at start. */
  #free: Int32Array
  #freeCount: number

  constructor(total: number) {
    this.total = total
    this.#owner = new Int32Array(total).fill(FREE)
    this.#free = Int32Array.from({ length: total }, (_, i) => total - 1 - i)
    this.#freeCount = total
  }

  get free(): number {
    return this.#freeCount
  }

  ownerOf(bundle: number): number {
    return this.#owner[bundle]
  }

  /** Maps up to `count` free bundles to `owner` (>= 0). */
  map(owner: number, count: number): number[] {
    const taken = Math.min(count, this.#freeCount)
    const bundles = new Array<number>(taken)
    for (let i = 0; i < taken; i++) {
      const bundle = this.#free[--this.#freeCount]
      invariant(
        this.#owner[bundle] === FREE,
        () => `bundle ${bundle} is on the free stack but owned by ${this.#owner[bundle]}`,
      )
      this.#owner[bundle] = owner
      bundles[i] = bundle
    }
    return bundles
  }

  /** Maps these bundles, all of them free. The rest keep their order. */
  take(owner: number, bundles: readonly number[]): void {
    for (const bundle of bundles) {
      invariant(
        this.#owner[bundle] === FREE,
        () => `bundle ${bundle} of ${this.total} is taken for ${owner} and owned by ${this.#owner[bundle]}`,
      )
      this.#owner[bundle] = owner
    }
    const free = this.#free.subarray(0, this.#freeCount).filter((bundle) => this.#owner[bundle] === FREE)
    this.#free.set(free)
    this.#freeCount = free.length
  }

  /** All of an owner's bundles, in ascending order. */
  ownedBy(owner: number): number[] {
    const bundles: number[] = []
    for (let bundle = 0; bundle < this.total; bundle++)
      if (this.#owner[bundle] === owner) bundles.push(bundle)
    return bundles
  }

  /** True when every one of `bundles` is mapped to `owner`, and named once; asked before anything is unmapped. */
  holds(owner: number, bundles: readonly number[]): boolean {
    return (
      bundles.every((bundle) => this.#owner[bundle] === owner) && new Set(bundles).size === bundles.length
    )
  }

  unmap(owner: number, bundles: readonly number[]): void {
    for (const bundle of bundles) {
      invariant(
        this.#owner[bundle] === owner,
        () => `bundle ${bundle} belongs to ${this.#owner[bundle]}, not ${owner}`,
      )
      this.#owner[bundle] = FREE
      this.#free[this.#freeCount++] = bundle
    }
  }

  /** Unmaps all of `owner`'s bundles and says how many there were. */
  unmapAll(owner: number): number {
    const before = this.#freeCount
    for (let bundle = this.total - 1; bundle >= 0; bundle--) {
      if (this.#owner[bundle] !== owner) continue
      this.#owner[bundle] = FREE
      this.#free[this.#freeCount++] = bundle
    }
    return this.#freeCount - before
  }
}
