/** A binary min-heap of (key, item); outdated entries are left for the reader to skip. Ties: the lower item. */
export class LazyHeap {
  /** What the last `pop` took. */
  key = 0
  item = 0
  readonly #keys: number[] = []
  readonly #items: number[] = []

  push(key: number, item: number): void {
    const keys = this.#keys
    const items = this.#items
    let hole = keys.length
    keys.push(key)
    items.push(item)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (keys[parent] < key || (keys[parent] === key && items[parent] <= item)) break
      keys[hole] = keys[parent]
      items[hole] = items[parent]
      hole = parent
    }
    keys[hole] = key
    items[hole] = item
  }

  /** The least key; Infinity when empty. */
  get least(): number {
    return this.#keys.length === 0 ? Infinity : this.#keys[0]
  }

  /** Takes the least entry into `key` and `item`; false when empty. */
  pop(): boolean {
    const keys = this.#keys
    const items = this.#items
    if (keys.length === 0) return false
    this.key = keys[0]
    this.item = items[0]
    const key = keys.pop() as number
    const item = items.pop() as number
    const size = keys.length
    if (size === 0) return true
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= size) break
      if (child + 1 < size && before(keys, items, child + 1, child)) child++
      if (keys[child] > key || (keys[child] === key && items[child] >= item)) break
      keys[hole] = keys[child]
      items[hole] = items[child]
      hole = child
    }
    keys[hole] = key
    items[hole] = item
    return true
  }
}

function before(keys: number[], items: number[], a: number, b: number): boolean {
  return keys[a] < keys[b] || (keys[a] === keys[b] && items[a] < items[b])
}
