import { type Bytes, LinkedQueue } from '@kvasir/kernel'
import type { FreeBlocks, FreeBlocksShape } from './free-blocks.js'

/**
 * One queue, as recorded from vLLM V1 (`golden/vllm`): taken from the head; cached blocks are released to the tail, clean
 * ones to the head, or to the tail as well when nothing is ever cached. Bundles play no part.
 */
export class QueueOrder implements FreeBlocks {
  readonly #blocksPerBundle: number
  readonly #cleanFirst: boolean
  #queue: LinkedQueue

  constructor({ blocksPerBundle, bundleCapacity, prefixCaching }: FreeBlocksShape) {
    this.#blocksPerBundle = blocksPerBundle
    this.#cleanFirst = prefixCaching
    this.#queue = new LinkedQueue(bundleCapacity * blocksPerBundle)
  }

  get size(): number {
    return this.#queue.size
  }

  get bytes(): Bytes {
    return this.#queue.bytes
  }

  addBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) this.#queue.pushTail(first + i)
  }

  removeBundle(bundle: number): void {
    const first = bundle * this.#blocksPerBundle
    for (let i = 0; i < this.#blocksPerBundle; i++) this.#queue.remove(first + i)
  }

  releaseClean(block: number): void {
    if (this.#cleanFirst) this.#queue.pushHead(block)
    else this.#queue.pushTail(block)
  }

  releaseCached(block: number): void {
    this.#queue.pushTail(block)
  }

  take(): number {
    return this.#queue.shift()
  }

  revive(block: number): void {
    this.#queue.remove(block)
  }

  grow(bundleCapacity: number): void {
    const wider = new LinkedQueue(bundleCapacity * this.#blocksPerBundle)
    for (let block = this.#queue.head; block !== -1; block = this.#queue.after(block)) wider.pushTail(block)
    this.#queue = wider
  }

  toArray(): Int32Array {
    const blocks = new Int32Array(this.#queue.size)
    let count = 0
    for (let block = this.#queue.head; block !== -1; block = this.#queue.after(block)) blocks[count++] = block
    return blocks
  }
}
