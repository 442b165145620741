import { invariant } from '@kvasir/kernel'
import { widen } from './widen.js'

const none = -1

/**
 * Which blocks carry which chained hash. Several physical blocks may carry the same one (equal blocks are not merged); a
 * lookup answers the one registered earliest among those still present.
 *
 * Hot path: open addressing with linear probing over the first block of each hash, a doubly linked list of the others in
 * order of registration, deletion by shifting back (no tombstones). Nothing is allocated but when it doubles.
 */
export class PrefixIndex {
  /** By position: the first block of the hash that lives there, or none. The length is a power of two, at most half full. */
  #heads = new Int32Array(64).fill(none)
  #mask = 63
  #hashes = 0
  #blocks = 0
  /** By block: its hash, its neighbours among equal ones; for a first block also the last of the list. */
  #laneA: Int32Array
  #laneB: Int32Array
  #next: Int32Array
  #previous: Int32Array
  #last: Int32Array

  constructor(blockCapacity: number) {
    this.#laneA = new Int32Array(blockCapacity)
    this.#laneB = new Int32Array(blockCapacity)
    this.#next = new Int32Array(blockCapacity)
    this.#previous = new Int32Array(blockCapacity)
    this.#last = new Int32Array(blockCapacity)
  }

  /** Blocks registered. */
  get size(): number {
    return this.#blocks
  }

  grow(blockCapacity: number): void {
    this.#laneA = widen(this.#laneA, blockCapacity)
    this.#laneB = widen(this.#laneB, blockCapacity)
    this.#next = widen(this.#next, blockCapacity)
    this.#previous = widen(this.#previous, blockCapacity)
    this.#last = widen(this.#last, blockCapacity)
  }

  /** The block registered earliest under this hash, or -1. */
  find(a: number, b: number): number {
    return this.#heads[this.#position(a, b)]
  }

  add(block: number, a: number, b: number): void {
    this.#laneA[block] = a
    this.#laneB[block] = b
    this.#next[block] = none
    this.#blocks++
    const position = this.#position(a, b)
    const head = this.#heads[position]
    if (head === none) {
      this.#previous[block] = none
      this.#last[block] = block
      this.#heads[position] = block
      if (++this.#hashes * 2 > this.#heads.length) this.#rehash()
    } else {
      const last = this.#last[head]
      this.#next[last] = block
      this.#previous[block] = last
      this.#last[head] = block
    }
  }

  remove(block: number): void {
    const next = this.#next[block]
    const previous = this.#previous[block]
    this.#blocks--
    if (previous !== none) {
      this.#next[previous] = next
      if (next !== none) this.#previous[next] = previous
      else this.#last[this.#heads[this.#position(this.#laneA[block], this.#laneB[block])]] = previous
      return
    }
    const position = this.#position(this.#laneA[block], this.#laneB[block])
    invariant(this.#heads[position] === block, () => `block ${block} is not registered`)
    if (next === none) {
      this.#vacate(position)
    } else {
      this.#previous[next] = none
      this.#last[next] = this.#last[block]
      this.#heads[position] = next
    }
  }

  /** Where this hash lives, or the empty position where it would. */
  #position(a: number, b: number): number {
    let position = a & this.#mask
    for (;;) {
      const head = this.#heads[position]
      if (head === none || (this.#laneA[head] === a && this.#laneB[head] === b)) return position
      position = (position + 1) & this.#mask
    }
  }

  /** Empties a position and moves back what had been pushed past it, so that probing never meets a hole. */
  #vacate(position: number): void {
    this.#hashes--
    let hole = position
    let scan = position
    for (;;) {
      scan = (scan + 1) & this.#mask
      const head = this.#heads[scan]
      if (head === none) break
      const home = this.#laneA[head] & this.#mask
      // Movable when its home does not lie cyclically within (hole, scan].
      if (((scan - home) & this.#mask) >= ((scan - hole) & this.#mask)) {
        this.#heads[hole] = head
        hole = scan
      }
    }
    this.#heads[hole] = none
  }

  #rehash(): void {
    const old = this.#heads
    this.#heads = new Int32Array(old.length * 2).fill(none)
    this.#mask = this.#heads.length - 1
    for (let i = 0; i < old.length; i++) {
      const head = old[i]
      if (head !== none) this.#heads[this.#position(this.#laneA[head], this.#laneB[head])] = head
    }
  }
}
