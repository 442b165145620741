/** In place of a slot. */
export const nobody = -1

/** An order in which sequences may be stopped, by rank, then by slot; and what each stop frees: bundles whose other holders come before. */
export class Ranking {
  /** By slot: its rank, Infinity of one that holds nothing, and the bundles it is the last holder of. */
  #ranks = new Float64Array(0)
  #frees = new Int32Array(0)
  /** By bundle: the last of its holders. */
  #lastHolders = new Int32Array(0)

  rankOf(slot: number): number {
    return this.#ranks[slot]
  }

  /** True when that changes the slot's place. */
  setRank(slot: number, rank: number): boolean {
    if (this.#ranks[slot] === rank) return false
    this.#ranks[slot] = rank
    return true
  }

  /** Negative when `a` is stopped before `b`. */
  compare(a: number, b: number): number {
    return this.#ranks[a] - this.#ranks[b] || a - b
  }

  /** Bundles that come free when the slot is stopped after all that come before it. */
  frees(slot: number): number {
    return this.#frees[slot]
  }

  /** The bundle comes free with this slot from now on, or with {@link nobody}. */
  setLast(bundle: number, slot: number): void {
    const before = this.#lastHolders[bundle]
    if (before !== nobody) this.#frees[before]--
    this.#lastHolders[bundle] = slot
    if (slot !== nobody) this.#frees[slot]++
  }

  grow(slots: number, bundles: number): void {
    this.#ranks = widened(Float64Array, this.#ranks, slots, Infinity)
    this.#frees = widened(Int32Array, this.#frees, slots, 0)
    this.#lastHolders = widened(Int32Array, this.#lastHolders, bundles, nobody)
  }
}

/** An array with room for `length` elements, the new ones holding `filler`; the same one if it has that. */
export function widened<T extends Int32Array | Float64Array | Uint8Array>(
  make: new (length: number) => T,
  values: T,
  length: number,
  filler: number,
): T {
  if (length <= values.length) return values
  const wider = new make(length)
  wider.fill(filler)
  wider.set(values)
  return wider
}
