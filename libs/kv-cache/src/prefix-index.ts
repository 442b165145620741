import { type Bytes, invariant } from '@kvasir/kernel'
import { bytesOf, widen } from './widen.js'

const none = -1

/** Elements of a block's node, and where its fields stand. */
const stride = 4
const laneA = 0
const laneB = 1
const next = 2
const previous = 3

/**
 * Which blocks carry which chained hash. Several physical blocks may carry the same one (equal blocks are not merged); a
 * lookup answers the one registered earliest among those still present.
 *
 * Hot path: open addressing with linear probing over the first block of each hash, a doubly linked list of the others in
 * order of registration, deletion by shifting back (no tombstones). Nothing is allocated but when
 * blocks are added to the pool.
 */
export class PrefixIndex {
  /**
   * By position: the first block of the hash that lives there, or none, and the hash's first lane, so that to pass a position by nobody
   * has to look at its block. The positions are a power of two, at most half of them taken.
   */
  #heads = new Int32Array(2).fill(none)
  #mask = 0
  #blocks = 0
  /** Outcome of {@link fetch}: kept, so that no compiler leaves the reads out. */
  fetched = 0
  /**
   * By block, `stride` elements each: its hash and its neighbours among equal ones; before the first stands the last, after
   * the last none. Side by side, because whoever needs one of them needs the others.
   */
  #nodes = new Int32Array(0)

  /** Blocks registered. */
  get size(): number {
    return this.#blocks
  }

  /** What its arrays take. */
  get bytes(): Bytes {
    return bytesOf([this.#heads, this.#nodes])
  }

  /** Room for blocks below `blockCapacity`, all of which may carry different hashes. Must be called before anything is added. */
  grow(blockCapacity: number): void {
    this.#nodes = widen(this.#nodes, blockCapacity * stride)
    let positions = 64
    while (positions < 2 * blockCapacity) positions *= 2
    if (positions > this.#mask + 1) this.#rehash(positions)
  }

  /** The block registered earliest under this hash, or -1. */
  find(a: number, b: number): number {
    return this.#heads[2 * this.#position(a, b)]
  }

  /** Reads where hashes live, for nothing but to have it at hand: all of these reads are under way at once. */
  fetch(hashesA: Int32Array, count: number): void {
    let fetched = 0
    for (let k = 0; k < count; k++) fetched ^= this.#heads[2 * (hashesA[k] & this.#mask)]
    this.fetched = fetched
  }

  /** As {@link fetch}, for the hashes that these blocks carry, or carried last. */
  fetchOf(blocks: Int32Array, count: number): void {
    let fetched = 0
    for (let k = 0; k < count; k++)
      fetched ^= this.#heads[2 * (this.#nodes[blocks[k] * stride + laneA] & this.#mask)]
    this.fetched = fetched
  }

  add(block: number, a: number, b: number): void {
    const nodes = this.#nodes
    const node = block * stride
    nodes[node + laneA] = a
    nodes[node + laneB] = b
    nodes[node + next] = none
    this.#blocks++
    const position = this.#position(a, b)
    const head = this.#heads[2 * position]
    if (head === none) {
      nodes[node + previous] = block
      this.#heads[2 * position] = block
      this.#heads[2 * position + 1] = a
    } else {
      const tail = nodes[head * stride + previous]
      nodes[tail * stride + next] = block
      nodes[node + previous] = tail
      nodes[head * stride + previous] = block
    }
  }

  remove(block: number): void {
    const nodes = this.#nodes
    const node = block * stride
    const after = nodes[node + next]
    const before = nodes[node + previous]
    const position = this.#position(nodes[node + laneA], nodes[node + laneB])
    const head = this.#heads[2 * position]
    if (head === none) refuseRemoval(block)
    this.#blocks--
    if (head !== block) {
      nodes[before * stride + next] = after
      nodes[(after === none ? head : after) * stride + previous] = before
    } else if (after !== none) {
      nodes[after * stride + previous] = before
      this.#heads[2 * position] = after
    } else {
      this.#vacate(position)
    }
  }

  /** Where this hash lives, or the empty position where it would. */
  #position(a: number, b: number): number {
    const heads = this.#heads
    let position = a & this.#mask
    for (;;) {
      const head = heads[2 * position]
      if (head === none || (heads[2 * position + 1] === a && this.#nodes[head * stride + laneB] === b))
        return position
      position = (position + 1) & this.#mask
    }
  }

  /** Empties a position and moves back what had been pushed past it, so that probing never meets a hole. */
  #vacate(position: number): void {
    const heads = this.#heads
    let hole = position
    let scan = position
    for (;;) {
      scan = (scan + 1) & this.#mask
      const head = heads[2 * scan]
      if (head === none) break
      const home = heads[2 * scan + 1] & this.#mask
      // Movable when its home does not lie cyclically within (hole, scan].
      if (((scan - home) & this.#mask) >= ((scan - hole) & this.#mask)) {
        heads[2 * hole] = head
        heads[2 * hole + 1] = heads[2 * scan + 1]
        hole = scan
      }
    }
    heads[2 * hole] = none
  }

  #rehash(positions: number): void {
    const old = this.#heads
    this.#heads = new Int32Array(2 * positions).fill(none)
    this.#mask = positions - 1
    for (let i = 0; i < old.length; i += 2) {
      const head = old[i]
      if (head === none) continue
      const position = this.#position(old[i + 1], this.#nodes[head * stride + laneB])
      this.#heads[2 * position] = head
      this.#heads[2 * position + 1] = old[i + 1]
    }
  }
}

/** Apart from `remove`, so that the hot path carries no closure. */
function refuseRemoval(block: number): never {
  invariant(false, () => `block ${block} is not registered`)
}
