const absent = -1

/** Strict total order of items. When it changes for an item in a heap, the heap is told by `update`. */
export type Before = (a: number, b: number) => boolean

/** A binary heap of small whole numbers that knows their places, so that any of them can be moved or removed in O(log n). */
export class IndexedHeap {
  readonly #before: Before
  readonly #items: number[] = []
  /** By item: its place in the heap, or absent. */
  #places = new Int32Array(64).fill(absent)

  constructor(before: Before) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** The least item, or -1. */
  get top(): number {
    return this.#items.length === 0 ? -1 : this.#items[0]
  }

  has(item: number): boolean {
    return item < this.#places.length && this.#places[item] !== absent
  }

  push(item: number): void {
    if (item >= this.#places.length) {
      const wider = new Int32Array(Math.max(item + 1, this.#places.length * 2)).fill(absent)
      wider.set(this.#places)
      this.#places = wider
    }
    this.#items.push(item)
    this.#rise(this.#items.length - 1, item)
  }

  remove(item: number): void {
    const place = this.#places[item]
    const last = this.#items.pop() as number
    this.#places[item] = absent
    if (last === item) return
    this.#put(place, last)
    this.update(last)
  }

  /** Moves an item whose order among the others has changed to where it belongs now. */
  update(item: number): void {
    const place = this.#places[item]
    this.#sink(place, item)
    if (this.#places[item] === place) this.#rise(place, item)
  }

  some(visit: (item: number) => boolean): boolean {
    return this.#items.some(visit)
  }

  /** Cold: sorts. */
  toSorted(): number[] {
    return this.#items.slice().sort((a, b) => (a === b ? 0 : this.#before(a, b) ? -1 : 1))
  }

  #rise(place: number, item: number): void {
    let hole = place
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (!this.#before(item, this.#items[parent])) break
      this.#put(hole, this.#items[parent])
      hole = parent
    }
    this.#put(hole, item)
  }

  #sink(place: number, item: number): void {
    const size = this.#items.length
    let hole = place
    for (;;) {
      let child = 2 * hole + 1
      if (child >= size) break
      if (child + 1 < size && this.#before(this.#items[child + 1], this.#items[child])) child++
      if (!this.#before(this.#items[child], item)) break
      this.#put(hole, this.#items[child])
      hole = child
    }
    this.#put(hole, item)
  }

  #put(place: number, item: number): void {
    this.#items[place] = item
    this.#places[item] = place
  }
}
