/**
 * Fractions of a unit that rounding still owes each claim (positive) or gave it early (negative): what it should have had so
 * far less what it got. Plain data in parallel arrays; whoever is absent from the next round forfeits its fraction.
 *
 * Errors are multiples of 1/denominator of the round that made them. A double keeps them to 2^-53, so that the next round with
 * the same denominator (below 2^50) recovers the numerator exactly: nothing drifts however many rounds are played.
 */
export interface Carry {
  readonly ids: readonly string[]
  readonly errors: readonly number[]
  readonly groupIds: readonly string[]
  readonly groupErrors: readonly number[]
}

/** Start of a run of rounds. */
export const NO_CARRY: Carry = { ids: [], errors: [], groupIds: [], groupErrors: [] }

/** Looks fractions up by id; free when the ids come in the order of the round before, as they nearly always do. */
export class CarryReader {
  #ids: readonly string[] = []
  #errors: readonly number[] = []
  #index: Map<string, number> | undefined

  /** Binds the reader to one round's arrays. */
  open(ids: readonly string[], errors: readonly number[]): void {
    this.#ids = ids
    this.#errors = errors
    this.#index = undefined
  }

  /** What is owed to `id`, expected at `position`; 0 when nothing was carried. */
  errorOf(id: string, position: number): number {
    if (position < this.#ids.length && this.#ids[position] === id) return this.#errors[position]
    if (this.#ids.length === 0) return 0
    this.#index ??= new Map(this.#ids.map((known, at) => [known, at]))
    const at = this.#index.get(id)
    return at === undefined ? 0 : this.#errors[at]
  }
}
