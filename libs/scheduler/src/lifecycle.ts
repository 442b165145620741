import { type Blocks, invariant, type Micros, type Tokens } from '@kvasir/kernel'
import { type BlockPool, BlockTables, type PrefixHit } from '@kvasir/kv-cache'
import type { SchedulerConfig, SequenceCosts } from './config.js'
import { makeWaitingQueue } from './order-policies.js'
import type { SequenceInput } from './sequence-input.js'
import { SequenceStore, SLOT_ENDED, SLOT_RUNNING, SLOT_WAITING } from './sequence-store.js'
import type { WaitingQueue } from './waiting-queue.js'

/**
 * Where every sequence stands, and the moves between: the state that the scheduler decides upon. Nothing here chooses.
 *
 * ```
 *   add ─▶ waiting ─ enter ─▶ running ─ finish ─▶ ended
 *             ▲                  │
 *             └────── stop ──────┘        (blocks freed, outputs kept)
 * ```
 */
export class Lifecycle {
  readonly config: SchedulerConfig
  readonly costs: SequenceCosts
  readonly pool: BlockPool
  readonly blockSize: number
  readonly store = new SequenceStore()
  readonly tables: BlockTables
  readonly waiting: WaitingQueue
  /** Slots in order of admission, `runningCount` of them. */
  running = new Int32Array(64)
  runningCount = 0
  /** Tokens of waiting sequences, and the blocks to hold them. */
  waitingTokens: Tokens = 0
  waitingBlocks: Blocks = 0
  /** Computed tokens of running sequences. */
  storedTokens: Tokens = 0

  constructor(config: SchedulerConfig, pool: BlockPool, costs: SequenceCosts) {
    this.config = config
    this.costs = costs
    this.pool = pool
    this.blockSize = pool.blockSize
    this.tables = new BlockTables(pool)
    this.waiting = makeWaitingQueue(this)
  }

  blocksFor(tokens: Tokens): Blocks {
    return Math.ceil(tokens / this.blockSize)
  }

  add(input: SequenceInput, tokenLimit: Tokens): number {
    const slot = this.store.add(input, tokenLimit)
    this.tables.ensureSlots(this.store.capacity)
    this.waiting.push(slot)
    this.#countWaiting(slot, 1)
    return slot
  }

  /** A waiting sequence begins to run: it gets the blocks that the cache has of it, and `blocks` new ones. */
  enter(now: Micros, slot: number, hit: PrefixHit, blocks: Blocks): void {
    const { store, tables } = this
    const found = hit.blocks * this.blockSize
    this.waiting.remove(slot)
    this.#countWaiting(slot, -1)
    tables.admit(slot, hit)
    if (blocks > 0) tables.append(slot, blocks)
    this.#appendRunning(slot)
    store.state[slot] = SLOT_RUNNING
    store.computed[slot] = found
    store.admittedUs[slot] = now
    store.hitTokens[slot] += found
    store.recomputedTokens[slot] += Math.max(0, store.lost[slot] - found)
    store.lost[slot] = 0
    this.storedTokens += found
  }

  /** After a running sequence's blocks changed: registers those filled by `end` tokens, and says when to look again. */
  settle(slot: number, end: Tokens): void {
    const { tables, blockSize, store } = this
    const outgrown = tables.length(slot) * blockSize + 1
    if (!this.config.prefixCaching) {
      store.attentionAt[slot] = outgrown
      return
    }
    const full = Math.floor(end / blockSize)
    if (full > tables.registered(slot)) tables.register(slot, store.content(slot), full)
    store.attentionAt[slot] = Math.min(outgrown, (full + 1) * blockSize)
  }

  /** What was registered beyond the computed tokens will not be computed: nobody may find it. */
  forgetUncomputed(slot: number): void {
    if (!this.config.prefixCaching) return
    this.tables.unregister(slot, Math.floor(this.store.computed[slot] / this.blockSize))
  }

  /** Stops the running sequence at an index: its blocks are freed, its outputs kept, and it waits again. */
  stop(index: number): void {
    const { store } = this
    const slot = this.running[index]
    this.removeRunning(index)
    store.lost[slot] = store.computed[slot]
    store.preemptions[slot]++
    this.#releaseBlocks(slot)
    store.computed[slot] = 0
    store.state[slot] = SLOT_WAITING
    this.waiting.pushBack(slot)
    this.#countWaiting(slot, 1)
  }

  /** A running sequence is over. It stays in the running list until {@link dropEnded} or {@link removeRunning}. */
  finish(slot: number): void {
    this.#releaseBlocks(slot)
    this.tables.reset(slot)
    this.store.end(slot)
  }

  /** A waiting sequence is over. */
  withdraw(slot: number): void {
    this.waiting.remove(slot)
    this.#countWaiting(slot, -1)
    this.tables.reset(slot)
    this.store.end(slot)
  }

  removeRunning(index: number): void {
    invariant(index >= 0 && index < this.runningCount, () => `no running sequence at ${index}`)
    this.running.copyWithin(index, index + 1, this.runningCount)
    this.runningCount--
  }

  /** Takes all that are over from the running list at once; the others keep their order. */
  dropEnded(): void {
    const { state } = this.store
    const { running } = this
    let kept = 0
    for (let i = 0; i < this.runningCount; i++) {
      if (state[running[i]] !== SLOT_ENDED) running[kept++] = running[i]
    }
    this.runningCount = kept
  }

  #releaseBlocks(slot: number): void {
    this.storedTokens -= this.store.computed[slot]
    this.tables.release(slot)
  }

  #appendRunning(slot: number): void {
    if (this.runningCount === this.running.length) {
      const wider = new Int32Array(this.running.length * 2)
      wider.set(this.running)
      this.running = wider
    }
    this.running[this.runningCount++] = slot
  }

  #countWaiting(slot: number, sign: 1 | -1): void {
    const tokens = this.store.tokens[slot]
    this.waitingTokens += sign * tokens
    this.waitingBlocks += sign * this.blocksFor(tokens)
  }
}
