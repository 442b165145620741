import { type Blocks, invariant, type Micros, type Tokens } from '@kvasir/kernel'
import { type BlockPool, BlockTables, type PrefixHit, type SwapSpace } from '@kvasir/kv-cache'
import type { SchedulerConfig, SequenceCosts } from './config.js'
import type { CopyBuffer } from './copy-buffer.js'
import { makeWaitingQueue } from './order-policies.js'
import { makeOutputPredictor, type OutputPredictor } from './output-predictor.js'
import { goesToHost } from './return-cost.js'
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
 * What was stopped waits without KV, or swapped: with it in host memory. It stays there until the step that copies it back is
 * done, for that step may never run.
 */
export class Lifecycle {
  readonly config: SchedulerConfig
  readonly costs: SequenceCosts
  readonly pool: BlockPool
  readonly blockSize: number
  readonly store = new SequenceStore()
  readonly tables: BlockTables
  readonly swap: SwapSpace
  readonly predictor: OutputPredictor
  readonly waiting: WaitingQueue
  /** Slots in order of admission, `runningCount` of them. */
  running = new Int32Array(64)
  runningCount = 0
  /** Tokens that waiting sequences have to compute: those in host memory are not counted; and the blocks to hold them all. */
  waitingTokens: Tokens = 0
  waitingBlocks: Blocks = 0
  /** Computed tokens of running sequences. */
  storedTokens: Tokens = 0
  /** Running sequences without a first token. */
  promptCount = 0

  constructor(config: SchedulerConfig, pool: BlockPool, costs: SequenceCosts, swap: SwapSpace) {
    this.config = config
    this.costs = costs
    this.pool = pool
    this.swap = swap
    this.blockSize = pool.blockSize
    this.tables = new BlockTables(pool)
    this.predictor = makeOutputPredictor(config.predictor, config.predictorQuantile)
    this.waiting = makeWaitingQueue(this)
  }

  blocksFor(tokens: Tokens): Blocks {
    return Math.ceil(tokens / this.blockSize)
  }

  /** Prompt tokens of a sequence that comes which the prefix cache has. */
  cachedTokens({ promptTokens, content }: SequenceInput): Tokens {
    if (!this.config.prefixCaching) return 0
    const most = Math.floor((promptTokens - 1) / this.blockSize)
    return this.tables.cachedBlocks(content, most) * this.blockSize
  }

  add(input: SequenceInput, tokenLimit: Tokens): number {
    const slot = this.store.add(input, tokenLimit)
    this.tables.ensureSlots(this.store.capacity)
    this.swap.ensureSlots(this.store.capacity)
    this.waiting.push(slot)
    this.#countWaiting(slot, 1)
    return slot
  }

  /** Tokens that a waiting sequence need not compute when the cache has its first `found`: those, or those in host memory. */
  tokensReady(slot: number, found: Tokens): Tokens {
    return Math.max(found, this.swap.tokens(slot))
  }

  /**
   * A waiting sequence begins to run: it gets the blocks that the cache has of it, and `blocks` new ones. What only host memory has
   * is copied into these; the cache's need no copy. Answers whether anything is.
   */
  enter(now: Micros, slot: number, hit: PrefixHit, blocks: Blocks, copies: CopyBuffer): boolean {
    const { store, tables, swap } = this
    const found = hit.blocks * this.blockSize
    const ready = this.tokensReady(slot, found)
    this.waiting.remove(slot)
    this.#countWaiting(slot, -1)
    tables.admit(slot, hit)
    if (blocks > 0) tables.append(slot, blocks)
    this.#appendRunning(slot)
    store.state[slot] = SLOT_RUNNING
    store.computed[slot] = ready
    store.found[slot] = found
    store.admittedUs[slot] = now
    store.hitTokens[slot] += found
    store.recomputedTokens[slot] += Math.max(0, store.lost[slot] - ready)
    store.lost[slot] = 0
    this.storedTokens += ready
    if (this.isPrompt(slot)) this.promptCount++
    if (ready > found) this.#swapIn(slot, hit.blocks, copies)
    else if (swap.tokens(slot) > 0) swap.release(slot)
    return ready > found
  }

  /** Whether the sequence has put out no token. */
  isPrompt(slot: number): boolean {
    return this.store.tokens[slot] <= this.store.promptTokens[slot]
  }

  /** The step that copied a sequence's KV back is done. */
  restored(slot: number): void {
    const { store, swap } = this
    store.restoredTokens[slot] += swap.tokens(slot) - store.found[slot]
    swap.release(slot)
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

  /** What was registered beyond `tokens` will not be there: nobody may find it. The sequence must be stopped next. */
  forgetBeyond(slot: number, tokens: Tokens): void {
    if (!this.config.prefixCaching) return
    this.tables.unregister(slot, Math.floor(tokens / this.blockSize))
  }

  /**
   * Stops the running sequence at an index: its blocks are freed, its outputs kept, and it waits again. With `copies` its KV goes to
   * host memory if the configuration wants that and there is room, and the copies that takes are added; else it is dropped. What was
   * being brought back from there is there still.
   */
  stop(index: number, copies?: CopyBuffer): void {
    const { store, swap } = this
    const slot = this.running[index]
    this.removeRunning(index)
    if (this.isPrompt(slot)) this.promptCount--
    store.lost[slot] = store.computed[slot]
    store.preemptions[slot]++
    if (copies !== undefined && swap.tokens(slot) === 0 && goesToHost(this, slot)) this.#swapOut(slot, copies)
    this.#releaseBlocks(slot)
    store.computed[slot] = 0
    store.state[slot] = SLOT_WAITING
    this.waiting.pushBack(slot)
    this.#countWaiting(slot, 1)
  }

  /** A stopped sequence's KV is not in host memory after all: it will be computed again. */
  loseSwapped(slot: number): void {
    const { store, swap } = this
    if (swap.tokens(slot) === 0) return
    const waits = store.state[slot] === SLOT_WAITING
    if (waits) this.#countWaiting(slot, -1)
    swap.release(slot)
    if (waits) this.#countWaiting(slot, 1)
  }

  /** A running sequence is over. It stays in the running list until {@link dropEnded} or {@link removeRunning}. */
  finish(slot: number): void {
    if (this.isPrompt(slot)) this.promptCount--
    this.#releaseBlocks(slot)
    this.#end(slot)
  }

  /** A waiting sequence is over. */
  withdraw(slot: number): void {
    this.waiting.remove(slot)
    this.#countWaiting(slot, -1)
    this.#end(slot)
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

  #end(slot: number): void {
    this.waiting.ended?.(slot)
    if (this.swap.tokens(slot) > 0) this.swap.release(slot)
    this.tables.reset(slot)
    this.store.end(slot)
  }

  /** Only the blocks that hold computed tokens: a step that was undone may have left others behind them. */
  #swapOut(slot: number, copies: CopyBuffer): void {
    const tokens = this.store.computed[slot]
    const blocks = this.blocksFor(tokens)
    this.swap.store(slot, tokens, blocks)
    const hosts = this.swap.view(slot)
    for (let i = 0; i < blocks; i++) copies.addOut(this.tables.at(slot, i), hosts[i])
  }

  #swapIn(slot: number, from: Blocks, copies: CopyBuffer): void {
    const hosts = this.swap.view(slot)
    for (let i = from; i < hosts.length; i++) copies.addIn(this.tables.at(slot, i), hosts[i])
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
    this.waitingTokens += sign * (tokens - this.swap.tokens(slot))
    this.waitingBlocks += sign * this.blocksFor(tokens)
  }
}
