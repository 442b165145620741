import { invariant, type Blocks, type Bundles, type Micros, type Tokens } from '@kvasir/kernel'
import { type BlockPool, BlockTables, type Fragmentation } from '@kvasir/kv-cache'
import { blocksAtEnd, checkConfig, refusalOf, tokenLimitOf } from './admission.js'
import { auditScheduler } from './audit.js'
import { type SchedulerConfig, type SequenceCosts, tokenCosts } from './config.js'
import { makeWaitingQueue } from './order-policies.js'
import { type Occupants, planRelease } from './release.js'
import type { SequenceInput, Submission } from './sequence-input.js'
import { SequenceStore, SLOT_ENDED, SLOT_FREE, SLOT_RUNNING, SLOT_WAITING } from './sequence-store.js'
import { type SequenceView, viewSequence } from './sequence-view.js'
import { FINISH_LENGTH, FINISH_STOP, OutcomeBuffer, type StepOutcome } from './step-outcome.js'
import { KIND_NEW, KIND_RESUMED, KIND_RUNNING, PlanBuffer, type StepPlan } from './step-plan.js'
import { type SupplyPoint, supplyPoints } from './supply.js'
import { type ChooseVictim, chooseVictim, type VictimContext } from './victim-policies.js'
import type { WaitingQueue } from './waiting-queue.js'

export interface ReleaseOptions {
  /** Only sequences of a lower priority are stopped; all may be when absent. */
  readonly victimsBelow?: number
}

export interface Release {
  /** Slots stopped, now waiting again. */
  readonly victims: readonly number[]
  readonly freeBundles: Bundles
}

/**
 * One engine's continuous-batching scheduler over its block pool, step for step the rules of vLLM V1 as recorded in
 * `golden/vllm`, with order, victim and placement as policies.
 *
 * A driver alternates `plan` and `complete`. In between, while the device runs the step, sequences may be submitted and aborted.
 *
 * Hot path: `plan` and `complete` allocate nothing in steady decode; measured by `bench/decode.mjs` (budget 30 ns per
 * sequence and step, both together).
 */
export class Scheduler {
  readonly config: SchedulerConfig
  readonly #pool: BlockPool
  readonly #costs: SequenceCosts
  readonly #blockSize: number
  readonly #store = new SequenceStore()
  readonly #tables: BlockTables
  readonly #waiting: WaitingQueue
  readonly #chooseVictim: ChooseVictim
  readonly #victims: VictimContext
  readonly #planned = new PlanBuffer()
  readonly #outcome = new OutcomeBuffer()
  /** Slots in order of admission. */
  #running = new Int32Array(64)
  #runningCount = 0
  #inFlight = false
  /** By plan entry: 1 when its sequence was stopped while the step ran. */
  #dropped = new Uint8Array(64)
  #droppedCount = 0
  #blockCeiling: Blocks
  /** Tokens of waiting sequences, and the blocks to hold them. */
  #waitingTokens = 0
  #waitingBlocks = 0
  /** Computed tokens of running sequences. */
  #storedTokens = 0
  #shortage = 0
  // The cursor of the plan being made.
  #index = 0
  #budget = 0
  #prefillBudget = 0

  constructor(config: SchedulerConfig, pool: BlockPool, costs: SequenceCosts = tokenCosts) {
    checkConfig(config)
    invariant(
      config.prefixCaching === pool.prefixCaching,
      () => `prefix caching: scheduler ${config.prefixCaching}, pool ${pool.prefixCaching}`,
    )
    this.config = config
    this.#pool = pool
    this.#costs = costs
    this.#blockSize = pool.blockSize
    this.#tables = new BlockTables(pool)
    this.#blockCeiling = pool.bundleCapacity * pool.blocksPerBundle
    this.#waiting = makeWaitingQueue({ config, store: this.#store, costs })
    this.#chooseVictim = chooseVictim[config.victim]
    this.#victims = { store: this.#store, tables: this.#tables, costs }
  }

  // --- reading ---

  get runningCount(): number {
    return this.#runningCount
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  get unfinishedCount(): number {
    return this.#runningCount + this.#waiting.size
  }

  /** A step was planned and not yet completed. */
  get inFlight(): boolean {
    return this.#inFlight
  }

  /** Running slots in order of admission. Cold: allocates. */
  runningSlots(): number[] {
    return Array.from(this.#running.subarray(0, this.#runningCount))
  }

  /** Waiting slots in the order in which they would be admitted. Cold: sorts. */
  waitingSlots(): number[] {
    return this.#waiting.toArray()
  }

  /** All unfinished slots, running ones first. Cold. */
  slots(): number[] {
    return this.runningSlots().concat(this.waitingSlots())
  }

  /** A snapshot of one sequence; also of one that ended, until the next plan. */
  sequence(slot: number): SequenceView {
    return viewSequence(this.#store, this.#tables, slot)
  }

  id(slot: number): string {
    return this.#store.input(slot).id
  }

  input(slot: number): SequenceInput {
    return this.#store.input(slot)
  }

  outputTokens(slot: number): Tokens {
    return this.#store.tokens[slot] - this.#store.promptTokens[slot]
  }

  /** Block ids of a sequence; a view, valid until the next plan or release. */
  blockTable(slot: number): Int32Array {
    return this.#tables.view(slot)
  }

  /** Running sequences with exactly one token to compute. O(running). */
  get runningDecodes(): number {
    const { tokens, computed } = this.#store
    let decodes = 0
    for (let i = 0; i < this.#runningCount; i++) {
      const slot = this.#running[i]
      if (tokens[slot] - computed[slot] === 1) decodes++
    }
    return decodes
  }

  /** Tokens to compute before all that run or wait are decoding; prefix-cache hits of waiting ones not foreseen. O(running). */
  get outstandingPrefillTokens(): Tokens {
    const { tokens, computed } = this.#store
    let outstanding = this.#waitingTokens
    for (let i = 0; i < this.#runningCount; i++) {
      const slot = this.#running[i]
      const left = tokens[slot] - computed[slot]
      if (left > 1) outstanding += left
    }
    return outstanding
  }

  /**
   * Blocks the engine could use now: those in use, what running sequences lack for their present tokens, and those of as many
   * waiting sequences as may be admitted (all cache misses). O(running + sequence limit).
   */
  demandBlocks(): Blocks {
    const { tokens } = this.#store
    let blocks = this.#pool.usedBlocks
    for (let i = 0; i < this.#runningCount; i++) {
      const slot = this.#running[i]
      blocks += Math.max(0, Math.ceil(tokens[slot] / this.#blockSize) - this.#tables.length(slot))
    }
    let room = this.config.sequenceLimit - this.#runningCount
    if (this.#waiting.size <= room) return blocks + this.#waitingBlocks
    this.#waiting.some((slot) => {
      if (room-- <= 0) return true
      blocks += Math.ceil(tokens[slot] / this.#blockSize)
      return false
    })
    return blocks
  }

  /** Blocks by which this plan, the last one made, failed to admit or keep a sequence; 0 when memory was no obstacle. */
  shortageBlocks(plan: StepPlan): Blocks {
    invariant(plan === this.#planned, () => 'shortage of a plan that is not the last one')
    return this.#shortage
  }

  /** Highest priority among waiting sequences, -Infinity when none waits. O(waiting). */
  highestWaitingPriority(): number {
    const { priority } = this.#store
    let highest = -Infinity
    this.#waiting.some((slot) => {
      if (priority[slot] > highest) highest = priority[slot]
      return false
    })
    return highest
  }

  /** Lowest priority among running sequences, Infinity when none runs. O(running). */
  lowestRunningPriority(): number {
    const { priority } = this.#store
    let lowest = Infinity
    for (let i = 0; i < this.#runningCount; i++) lowest = Math.min(lowest, priority[this.#running[i]])
    return lowest
  }

  fragmentation(): Fragmentation {
    return this.#tables.fragmentation(this.#storedTokens)
  }

  // --- sequences come and go ---

  submit(now: Micros, input: SequenceInput): Submission {
    invariant(
      input.promptTokens >= 1 && input.maxOutputTokens >= 1,
      () =>
        `${input.id}: ${input.promptTokens} prompt and ${input.maxOutputTokens} output tokens; both must be positive`,
    )
    const refusal = refusalOf(now, input, {
      config: this.config,
      costs: this.#costs,
      blockSize: this.#blockSize,
      blockCeiling: this.#blockCeiling,
      waiting: this.#waiting.size,
    })
    if (refusal !== undefined) return refusal
    const slot = this.#store.add(input, tokenLimitOf(this.config, input))
    this.#tables.ensureSlots(this.#store.capacity)
    this.#waiting.push(slot)
    this.#countWaiting(slot, 1)
    return { kind: 'accepted', slot }
  }

  /** Ends a sequence at once, even while its step runs; false when it is not unfinished any more. */
  abort(slot: number): boolean {
    const state = slot >= 0 && slot < this.#store.capacity ? this.#store.state[slot] : SLOT_FREE
    if (state === SLOT_WAITING) {
      this.#waiting.remove(slot)
      this.#countWaiting(slot, -1)
    } else if (state === SLOT_RUNNING) {
      this.#dropFromStep(slot)
      this.#releaseBlocks(slot)
      this.#removeRunning(this.#running.indexOf(slot))
    } else {
      return false
    }
    this.#end(slot)
    return true
  }

  /**
   * Says how many blocks the engine can ever hold; what needs more is refused from now on. Answers the accepted sequences that
   * can't fit any more: the caller aborts them and says why, else they may wait for ever.
   */
  setBlockCeiling(blocks: Blocks): number[] {
    const before = this.#blockCeiling
    this.#blockCeiling = blocks
    if (blocks >= before || !this.config.refuseImpossible) return []
    return this.slots().filter(
      (slot) => blocksAtEnd(this.config, this.#blockSize, this.#store.input(slot)) > blocks,
    )
  }

  // --- a step ---

  /**
   * Decides one step and books it: blocks are taken, computed counts advanced. The plan is the scheduler's and valid until
   * the next one. An empty plan needs no completion.
   * @param tokenLimit most tokens of this step, if below the configured step token limit.
   */
  plan(now: Micros, tokenLimit: Tokens): StepPlan {
    invariant(!this.#inFlight, () => 'plan before the last step was completed')
    const plan = this.#planned
    this.#store.recycle()
    plan.reset(this.#runningCount)
    this.#budget = Math.min(tokenLimit, this.config.stepTokenLimit)
    this.#prefillBudget = this.config.prefillTokenLimit > 0 ? this.config.prefillTokenLimit : Infinity
    this.#shortage = 0

    if (this.config.preemptive) this.#displaceForHead()
    const displaced = plan.preemptedCount
    this.#scheduleRunning()
    if (plan.preemptedCount === displaced) this.#admitWaiting(now)
    else this.#shortage = this.#blocksForHead()

    plan.summarise()
    this.#storedTokens += plan.totalTokens
    this.#inFlight = plan.count > 0
    return plan
  }

  /**
   * Applies the outcome of the step: every sequence all of whose tokens are computed now gets one token, and is finished if
   * `stopped` says so (an end-of-sequence token) or at its length. Without `stopped` all run to their length.
   */
  complete(_now: Micros, plan: StepPlan, stopped?: (slot: number) => boolean): StepOutcome {
    invariant(plan === this.#planned && this.#inFlight, () => 'completion of a step that is not in flight')
    this.#inFlight = false
    const { tokens, computed, tokenLimit } = this.#store
    const { slots, count } = this.#planned
    const outcome = this.#outcome
    outcome.reset(count)
    const { tokenSlots } = outcome
    const anyDropped = this.#droppedCount > 0
    let tokenCount = 0
    for (let k = 0; k < count; k++) {
      const slot = slots[k]
      if (anyDropped && this.#dropped[k] === 1) continue
      const length = tokens[slot]
      if (computed[slot] !== length) continue
      tokens[slot] = length + 1
      tokenSlots[tokenCount++] = slot
      if (stopped?.(slot) === true) this.#finish(slot, FINISH_STOP)
      else if (length + 1 >= tokenLimit[slot]) this.#finish(slot, FINISH_LENGTH)
    }
    outcome.tokenCount = tokenCount
    if (anyDropped) this.#forgetDropped()
    if (outcome.finishedCount > 0) this.#dropEndedFromRunning()
    this.#waiting.emitted?.(tokenSlots, tokenCount)
    return outcome
  }

  // --- giving memory back ---

  /**
   * Makes at least `bundles` of the mapped bundles free, if the eligible sequences can: free ones count first, then sequences are
   * stopped at the least cost found. Stopped sequences wait again and keep their arrival. Unmapping is the caller's.
   */
  releaseBundles(_now: Micros, bundles: Bundles, options: ReleaseOptions = {}): Release {
    const victims = planRelease(this.#occupants(), {
      bundles,
      victimsBelow: options.victimsBelow ?? Infinity,
    })
    for (const slot of victims) {
      this.#dropFromStep(slot)
      this.#stop(this.#running.indexOf(slot))
    }
    return { victims, freeBundles: this.#pool.freeBundles }
  }

  /** What freeing more bundles than are free would cost, per priority of the sequences stopped. */
  supplyCurve(_now: Micros): SupplyPoint[] {
    return supplyPoints(this.#occupants())
  }

  /** Checks every law in O(state). For tests. @throws {InvariantError} */
  audit(): void {
    auditScheduler({
      store: this.#store,
      tables: this.#tables,
      pool: this.#pool,
      running: this.runningSlots(),
      waiting: this.waitingSlots(),
      waitingTokens: this.#waitingTokens,
      waitingBlocks: this.#waitingBlocks,
      storedTokens: this.#storedTokens,
      prefixCaching: this.config.prefixCaching,
      sequenceLimit: this.config.sequenceLimit,
    })
  }

  // --- phase 1: running sequences ---

  /** Hot path: for a sequence that needs no block, a dozen loads and stores. The cursor is in locals but around `#makeRoom`. */
  #scheduleRunning(): void {
    const { tokens, computed, attentionAt } = this.#store
    const plan = this.#planned
    const { slots, kinds, tokens: planTokens, computed: planComputed } = plan
    const running = this.#running
    const context = this.config.contextLimit - 1
    let budget = this.#budget
    let count = 0
    let index = 0
    while (index < this.#runningCount && budget > 0) {
      const slot = running[index]
      const done = computed[slot]
      const outstanding = tokens[slot] - done
      let n = outstanding === 1 ? 1 : this.#chunk(outstanding)
      if (n > budget) n = budget
      if (n > context - done) n = context - done
      if (n <= 0) {
        index++
        continue
      }
      if (done + n >= attentionAt[slot]) {
        this.#index = index
        this.#budget = budget
        plan.count = count
        if (!this.#makeRoom(slot, done + n)) return
        index = this.#index
        budget = this.#budget
        count = plan.count
      }
      computed[slot] = done + n
      slots[count] = slot
      planTokens[count] = n
      planComputed[count] = done
      kinds[count++] = KIND_RUNNING
      budget -= n
      if (outstanding > 1) this.#prefillBudget -= n
      index++
    }
    plan.count = count
    this.#budget = budget
  }

  /** Tokens that a sequence with more than one outstanding may compute, as far as its own limits go. */
  #chunk(outstanding: Tokens): Tokens {
    const threshold = this.config.longPrefillThreshold
    const n = threshold > 0 && outstanding > threshold ? threshold : outstanding
    return n > this.#prefillBudget ? this.#prefillBudget : n
  }

  /** Gets the sequence at the cursor the blocks for `end` tokens, stopping victims; false when it was stopped itself. */
  #makeRoom(slot: number, end: Tokens): boolean {
    const need = Math.ceil(end / this.#blockSize) - this.#tables.length(slot)
    while (need > this.#pool.freeBlocks) {
      const victim = this.#chooseVictim(this.#victims, this.#running, this.#runningCount, this.#index)
      const itself = victim === this.#index
      if (victim < this.#index) this.#takeBack(victim)
      this.#planned.addPreempted(this.#running[victim])
      this.#stop(victim)
      if (itself) return false
    }
    if (need > 0) this.#tables.append(slot, need)
    this.#settle(slot, end)
    return true
  }

  /** A victim before the cursor loses what this step had planned for it. */
  #takeBack(victim: number): void {
    const slot = this.#running[victim]
    const plan = this.#planned
    const k = plan.find(slot)
    if (k >= 0) {
      const n = plan.tokens[k]
      const { tokens, computed } = this.#store
      computed[slot] -= n
      this.#budget += n
      if (tokens[slot] - computed[slot] > 1) this.#prefillBudget += n
      plan.removeAt(k)
    }
    this.#index--
  }

  // --- phase 2: waiting sequences ---

  #admitWaiting(now: Micros): void {
    while (this.#waiting.size > 0 && this.#budget > 0 && this.#runningCount < this.config.sequenceLimit) {
      if (!this.#admit(now, this.#waiting.head())) return
    }
  }

  /** Admits the head of the queue if it fits. Everything is checked before anything is touched. */
  #admit(now: Micros, slot: number): boolean {
    const { config } = this
    const { contextLimit } = config
    const store = this.#store
    const length = store.tokens[slot]
    const content = store.content(slot)
    const limit = config.prefixCaching ? Math.floor((length - 1) / this.#blockSize) : 0
    const hit = this.#tables.findPrefix(slot, content, limit)
    const found = hit.blocks * this.#blockSize

    let n = length - found
    if (config.longPrefillThreshold > 0) n = Math.min(n, config.longPrefillThreshold)
    const budget = n > 1 ? Math.min(this.#budget, this.#prefillBudget) : this.#budget
    if (!config.chunkedPrefill && n > budget) return false
    n = Math.min(n, budget)
    if (n <= 0) return false

    const blocks = Math.ceil(Math.min(found + n, contextLimit) / this.#blockSize) - hit.blocks
    const held = config.reserveFullSequence
      ? Math.max(blocks, Math.ceil(Math.min(length, contextLimit) / this.#blockSize) - hit.blocks)
      : blocks
    const missing = Math.max(0, held) + hit.revived + this.#watermarkBlocks() - this.#pool.freeBlocks
    if (missing > 0) {
      this.#shortage = missing
      return false
    }

    this.#waiting.remove(slot)
    this.#countWaiting(slot, -1)
    this.#tables.admit(slot, hit)
    if (blocks > 0) this.#tables.append(slot, blocks)
    this.#enter(now, slot, found)
    store.computed[slot] = found + n
    this.#settle(slot, found + n)
    this.#storedTokens += found
    const kind = store.preemptions[slot] > 0 ? KIND_RESUMED : KIND_NEW
    this.#planned.add(slot, n, found, kind)
    this.#budget -= n
    if (length - found > 1) this.#prefillBudget -= n
    this.#waiting.admitted?.(slot, length - found)
    return true
  }

  /** Blocks that an admission must leave free; none while nothing runs. */
  #watermarkBlocks(): Blocks {
    if (this.config.watermark === 0 || this.#runningCount === 0) return 0
    return Math.trunc(this.config.watermark * this.#pool.totalBlocks)
  }

  /** The sequence joins the running list with what the cache had of it. */
  #enter(now: Micros, slot: number, found: Tokens): void {
    const store = this.#store
    if (this.#runningCount === this.#running.length) {
      const wider = new Int32Array(this.#running.length * 2)
      wider.set(this.#running)
      this.#running = wider
    }
    this.#running[this.#runningCount++] = slot
    this.#planned.ensure(this.#runningCount)
    store.state[slot] = SLOT_RUNNING
    store.admittedUs[slot] = now
    store.hitTokens[slot] += found
    store.recomputedTokens[slot] += Math.max(0, store.lost[slot] - found)
    store.lost[slot] = 0
  }

  // --- preemption ---

  /**
   * Preemptive orders: when the head has no place and the order puts it before some running sequence, the last of these gives way;
   * at most one a step, so that the running ones are not all thrown out for a head that then fits nowhere.
   */
  #displaceForHead(): void {
    const head = this.#waiting.head()
    if (head === -1 || this.#runningCount === 0) return
    const fits = Math.ceil(this.#store.tokens[head] / this.#blockSize) <= this.#pool.freeBlocks
    if (fits && this.#runningCount < this.config.sequenceLimit) return
    let last = 0
    for (let i = 1; i < this.#runningCount; i++) {
      if (this.#waiting.before(this.#running[last], this.#running[i])) last = i
    }
    if (!this.#waiting.before(head, this.#running[last])) return
    this.#planned.addPreempted(this.#running[last])
    this.#stop(last)
  }

  /** Stops the running sequence at an index: its blocks are freed, its outputs kept, and it waits again. */
  #stop(index: number): void {
    const store = this.#store
    const slot = this.#running[index]
    this.#removeRunning(index)
    store.lost[slot] = store.computed[slot]
    store.preemptions[slot]++
    this.#releaseBlocks(slot)
    store.computed[slot] = 0
    store.state[slot] = SLOT_WAITING
    this.#waiting.pushBack(slot)
    this.#countWaiting(slot, 1)
  }

  // --- bookkeeping ---

  /** After blocks changed: registers those that are full, and says when to look again. */
  #settle(slot: number, end: Tokens): void {
    const tables = this.#tables
    const size = this.#blockSize
    const outgrown = tables.length(slot) * size + 1
    if (!this.config.prefixCaching) {
      this.#store.attentionAt[slot] = outgrown
      return
    }
    const full = Math.floor(end / size)
    if (full > tables.registered(slot)) tables.register(slot, this.#store.content(slot), full)
    this.#store.attentionAt[slot] = Math.min(outgrown, (full + 1) * size)
  }

  #releaseBlocks(slot: number): void {
    this.#storedTokens -= this.#store.computed[slot]
    this.#tables.release(slot)
  }

  #finish(slot: number, reason: number): void {
    this.#releaseBlocks(slot)
    this.#end(slot)
    const outcome = this.#outcome
    outcome.finishedSlots[outcome.finishedCount] = slot
    outcome.finishedReasons[outcome.finishedCount++] = reason
  }

  #end(slot: number): void {
    this.#tables.reset(slot)
    this.#store.end(slot)
  }

  #removeRunning(index: number): void {
    invariant(index >= 0 && index < this.#runningCount, () => `no running sequence at ${index}`)
    this.#running.copyWithin(index, index + 1, this.#runningCount)
    this.#runningCount--
  }

  #dropEndedFromRunning(): void {
    const { state } = this.#store
    let kept = 0
    for (let i = 0; i < this.#runningCount; i++) {
      const slot = this.#running[i]
      if (state[slot] !== SLOT_ENDED) this.#running[kept++] = slot
    }
    this.#runningCount = kept
  }

  #countWaiting(slot: number, sign: 1 | -1): void {
    const tokens = this.#store.tokens[slot]
    this.#waitingTokens += sign * tokens
    this.#waitingBlocks += sign * Math.ceil(tokens / this.#blockSize)
  }

  /** A sequence stopped while its step runs gets nothing from it. */
  #dropFromStep(slot: number): void {
    if (!this.#inFlight) return
    const k = this.#planned.find(slot)
    if (k < 0) return
    if (this.#dropped.length < this.#planned.count) this.#dropped = new Uint8Array(this.#planned.slots.length)
    this.#dropped[k] = 1
    this.#droppedCount++
  }

  #forgetDropped(): void {
    this.#dropped.fill(0)
    this.#droppedCount = 0
  }

  #blocksForHead(): Blocks {
    const head = this.#waiting.head()
    if (head === -1) return 0
    return Math.max(0, Math.ceil(this.#store.tokens[head] / this.#blockSize) - this.#pool.freeBlocks)
  }

  #occupants(): Occupants {
    return {
      ...this.#victims,
      pool: this.#pool,
      running: this.#running,
      runningCount: this.#runningCount,
    }
  }
}
