import type { Bytes } from '@kvasir/kernel'
import type { FreeBlocks, FreeBlocksShape } from './free-blocks.js'
import { ReleaseOrder } from './release-order.js'

/**
 * One queue, as recorded from vLLM V1 (`golden/vllm`): taken from the head; cached blocks are released to the tail, clean
 * ones to the head, or to the tail as well when nothing is ever cached. Bundles play no part.
 */
export class QueueOrder implements FreeBlocks {
  readonly #blocksPerBundle: number
  readonly #cleanFirst: boolean
  readonly #queue: ReleaseOrder
  #size = 0

  constructor({ blocksPerBundle, bundleCapacity, prefixCaching }: FreeBlocksShape) {
    this.#blocksPerBundle = blocksPerBundle
    this.#cleanFirst = prefixCaching
    this.#queue = new ReleaseOrder(bundleCapacity * blocksPerBundle)
  }

  get size(): number {
    return this.#size
  }

  get bytes(): Bytes {
    return this.#queue.bytes
  }

  addBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) this.#queue.push(first + i)
    this.#size += this.#blocksPerBundle
  }

  removeBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) this.#queue.remove(first + i)
    this.#size -= this.#blocksPerBundle
  }

  releaseClean(block: number): void {
    if (this.#cleanFirst) this.#queue.pushFirst(block)
    else this.#queue.push(block)
    this.#size++
  }

  releaseCached(block: number): void {
    this.#queue.push(block)
    this.#size++
  }

  take(): number {
    const block = this.#queue.shift()
    if (block >= 0) this.#size--
    return block
  }

  revive(block: number): void {
    this.#queue.remove(block)
    this.#size--
  }

  grow(bundleCapacity: number): void {
    this.#queue.grow(bundleCapacity * this.#blocksPerBundle)
  }

  toArray(): Int32Array {
    return this.#queue.toArray()
  }
}
