import type { BlockContent } from './block-content.js'
import { widen } from './widen.js'

/** Blocks that are to be entered into the prefix cache together: whose they are, where they stand there, and under what, once hashed. */
export class DueBlocks {
  count = 0
  slots = new Int32Array(64)
  indices = new Int32Array(64)
  blocks = new Int32Array(64)
  readonly contents: BlockContent[] = []
  hashesA = new Int32Array(64)
  hashesB = new Int32Array(64)

  /** The block at a place of the slot's table. Hot path: no object for the numbers. */
  add(slot: number, content: BlockContent, index: number, block: number): void {
    const k = this.count++
    if (k === this.slots.length) this.#grow(2 * k)
    this.slots[k] = slot
    this.indices[k] = index
    this.blocks[k] = block
    this.contents[k] = content
  }

  clear(): void {
    this.count = 0
  }

  #grow(length: number): void {
    this.slots = widen(this.slots, length)
    this.hashesA = widen(this.hashesA, length)
    this.hashesB = widen(this.hashesB, length)
    this.blocks = widen(this.blocks, length)
    this.indices = widen(this.indices, length)
  }
}
