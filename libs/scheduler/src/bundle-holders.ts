const none = -1

/** Elements of a holding's record, and where its fields stand; a holding is known by the place of its record. */
const stride = 5
const slotOf = 0
const bundleOf = 1
/** The slot's next holding; of a record that is free, the next free one. */
const nextOfSlot = 2
/** Neighbours among the holdings of the bundle. */
const nextOfBundle = 3
const previousOfBundle = 4

/**
 * Which sequences lie in which bundles: every pair, a *holding*, once, listed from both sides. To add one costs the shorter of the
 * two lists, to remove one O(1). Nothing is allocated but when there are more holdings, slots or bundles than ever.
 */
export class BundleHolders {
  #records = new Int32Array(64 * stride)
  #recordsEnd = 0
  #freeRecord = none
  #bySlot = new HoldingLists()
  #byBundle = new HoldingLists()

  /** Sequences that lie in a bundle. */
  count(bundle: number): number {
    return this.#byBundle.count(bundle)
  }

  /** The sequence lies in the bundle from now on; false when it did already. */
  add(slot: number, bundle: number): boolean {
    if (this.#has(slot, bundle)) return false
    const holding = this.#takeRecord()
    const records = this.#records
    const next = this.#byBundle.head(bundle)
    records[holding + slotOf] = slot
    records[holding + bundleOf] = bundle
    records[holding + nextOfSlot] = this.#bySlot.head(slot)
    records[holding + nextOfBundle] = next
    records[holding + previousOfBundle] = none
    if (next !== none) records[next + previousOfBundle] = holding
    this.#bySlot.push(slot, holding)
    this.#byBundle.push(bundle, holding)
    return true
  }

  /** The sequence lies nowhere any more. */
  removeAll(slot: number): void {
    const records = this.#records
    let holding = this.#bySlot.head(slot)
    while (holding !== none) {
      const next = records[holding + nextOfBundle]
      const previous = records[holding + previousOfBundle]
      if (next !== none) records[next + previousOfBundle] = previous
      if (previous !== none) records[previous + nextOfBundle] = next
      this.#byBundle.drop(records[holding + bundleOf], previous === none ? next : undefined)
      const following = records[holding + nextOfSlot]
      records[holding + nextOfSlot] = this.#freeRecord
      this.#freeRecord = holding
      holding = following
    }
    this.#bySlot.clear(slot)
  }

  /** Bundles the sequence lies in, each once. */
  bundlesOf(slot: number, visit: (bundle: number) => void): void {
    const records = this.#records
    for (let h = this.#bySlot.head(slot); h !== none; h = records[h + nextOfSlot])
      visit(records[h + bundleOf])
  }

  /** Sequences that lie in the bundle, each once. */
  holdersOf(bundle: number, visit: (slot: number) => void): void {
    const records = this.#records
    for (let h = this.#byBundle.head(bundle); h !== none; h = records[h + nextOfBundle])
      visit(records[h + slotOf])
  }

  #has(slot: number, bundle: number): boolean {
    const records = this.#records
    if (this.#bySlot.count(slot) < this.#byBundle.count(bundle)) {
      for (let h = this.#bySlot.head(slot); h !== none; h = records[h + nextOfSlot])
        if (records[h + bundleOf] === bundle) return true
      return false
    }
    for (let h = this.#byBundle.head(bundle); h !== none; h = records[h + nextOfBundle])
      if (records[h + slotOf] === slot) return true
    return false
  }

  #takeRecord(): number {
    const free = this.#freeRecord
    if (free !== none) {
      this.#freeRecord = this.#records[free + nextOfSlot]
      return free
    }
    if (this.#recordsEnd === this.#records.length) this.#records = widen(this.#records, this.#recordsEnd * 2)
    const holding = this.#recordsEnd
    this.#recordsEnd += stride
    return holding
  }
}

/** By key: the first holding of its list, and how many there are. */
class HoldingLists {
  #heads = new Int32Array(64).fill(none)
  #counts = new Int32Array(64)

  head(key: number): number {
    return key < this.#heads.length ? this.#heads[key] : none
  }

  count(key: number): number {
    return key < this.#counts.length ? this.#counts[key] : 0
  }

  push(key: number, holding: number): void {
    if (key >= this.#heads.length) {
      const length = Math.max(key + 1, this.#heads.length * 2)
      this.#heads = widen(this.#heads, length)
      this.#counts = widen(this.#counts, length, 0)
    }
    this.#heads[key] = holding
    this.#counts[key]++
  }

  /** One holding less; `head` is the list's first one where that was it. */
  drop(key: number, head: number | undefined): void {
    this.#counts[key]--
    if (head !== undefined) this.#heads[key] = head
  }

  clear(key: number): void {
    if (key >= this.#heads.length) return
    this.#heads[key] = none
    this.#counts[key] = 0
  }
}

function widen(values: Int32Array, length: number, filler = none): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length).fill(filler)
  wider.set(values)
  return wider
}
