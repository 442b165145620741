/** Objects behind small integers, so that an event can carry one. Numbers are reused; order plays no part. */
export class Slab<T> {
  #items: (T | undefined)[] = []
  #free: number[] = []

  put(item: T): number {
    const index = this.#free.pop() ?? this.#items.length
    this.#items[index] = item
    return index
  }

  take(index: number): T {
    const item = this.#items[index] as T
    this.#items[index] = undefined
    this.#free.push(index)
    return item
  }
}
