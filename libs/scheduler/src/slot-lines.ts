/** One of several lines of slots: its ends, -1 when it is empty. */
export interface Line {
  head: number
  tail: number
}

/** Links for any number of lines over the same slots, each slot in at most one of them. Every operation is O(1). */
export class SlotLines {
  #next = new Int32Array(64)
  #previous = new Int32Array(64)

  /** The slot behind, or -1. */
  after(slot: number): number {
    return this.#next[slot]
  }

  /** Puts a slot before another one of the line, or at its end when `next` is -1. */
  insert(line: Line, slot: number, next: number): void {
    this.#ensure(slot)
    const previous = next === -1 ? line.tail : this.#previous[next]
    this.#join(line, previous, slot)
    this.#join(line, slot, next)
  }

  remove(line: Line, slot: number): void {
    this.#join(line, this.#previous[slot], this.#next[slot])
  }

  /** Makes two slots neighbours; -1 is the line's own end. */
  #join(line: Line, slot: number, next: number): void {
    if (slot === -1) line.head = next
    else this.#next[slot] = next
    if (next === -1) line.tail = slot
    else this.#previous[next] = slot
  }

  #ensure(slot: number): void {
    if (slot < this.#next.length) return
    const length = Math.max(slot + 1, this.#next.length * 2)
    const next = new Int32Array(length)
    next.set(this.#next)
    this.#next = next
    const previous = new Int32Array(length)
    previous.set(this.#previous)
    this.#previous = previous
  }
}
