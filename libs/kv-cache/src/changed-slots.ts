const unchanged = 0
const grown = 1
const released = 2

/**
 * The slots whose block tables changed since they were last asked for, each noted once: whoever keeps something per table brings
 * it up to date when it is read, and a step pays one comparison for a table that grows.
 */
export class ChangedSlots {
  /** By slot. */
  #states = new Uint8Array(64)
  #slots = new Int32Array(64)
  #count = 0

  noteGrown(slot: number): void {
    if (slot >= this.#states.length || this.#states[slot] === unchanged) this.#note(slot, grown)
  }

  /** All of its blocks are gone; it may have got others since. */
  noteReleased(slot: number): void {
    if (slot < this.#states.length && this.#states[slot] !== unchanged) this.#states[slot] = released
    else this.#note(slot, released)
  }

  /** Visits every noted slot once and forgets it. `wasReleased`: what its table held before is gone, else it only grew. */
  drain(visit: (slot: number, wasReleased: boolean) => void): void {
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slots[i]
      const wasReleased = this.#states[slot] === released
      this.#states[slot] = unchanged
      visit(slot, wasReleased)
    }
    this.#count = 0
  }

  #note(slot: number, state: number): void {
    if (slot >= this.#states.length) {
      const wider = new Uint8Array(Math.max(slot + 1, this.#states.length * 2))
      wider.set(this.#states)
      this.#states = wider
    }
    if (this.#count === this.#slots.length) {
      const wider = new Int32Array(this.#count * 2)
      wider.set(this.#slots)
      this.#slots = wider
    }
    this.#states[slot] = state
    this.#slots[this.#count++] = slot
  }
}
