import { type Blocks, invariant, type Micros, type Tokens } from '@kvasir/kernel'
import { shortageOfHead } from './demand.js'
import type { Lifecycle } from './lifecycle.js'
import { KIND_NEW, KIND_RESTORED, KIND_RESUMED, KIND_RUNNING, type PlanBuffer } from './step-plan.js'
import { chooseVictim, mayStop } from './victim-policies.js'

/**
 * Decides what one step computes, in phases: running sequences in order of admission, each stopping victims if it lacks a block;
 * then, if none was stopped, waiting ones from the head of the queue as long as they fit. Preemptive orders first make room for
 * a head that outranks a running sequence.
 *
 * Hot path: see `#scheduleRunning`.
 */
export class StepPlanner {
  /** Blocks by which the last plan failed to admit or keep a sequence. */
  shortage: Blocks = 0
  readonly #life: Lifecycle
  readonly #plan: PlanBuffer
  // The cursor: index into the running list, tokens left of the step, and for prefill.
  #index = 0
  #budget: Tokens = 0
  #prefillBudget: Tokens = 0

  constructor(life: Lifecycle, plan: PlanBuffer) {
    this.#life = life
    this.#plan = plan
  }

  plan(now: Micros, tokenLimit: Tokens): void {
    const life = this.#life
    const plan = this.#plan
    const { stepTokenLimit, prefillTokenLimit, preemptive } = life.config
    plan.reset(life.runningCount)
    this.#budget = Math.min(tokenLimit, stepTokenLimit)
    this.#prefillBudget = prefillTokenLimit > 0 ? prefillTokenLimit : Infinity
    this.shortage = 0

    if (preemptive) this.#displaceForHead()
    const displaced = plan.preemptedCount
    this.#scheduleRunning()
    if (plan.preemptedCount === displaced) this.#admitWaiting(now)
    else this.shortage = shortageOfHead(life)

    life.tables.registerDue()
    plan.summarise()
    life.storedTokens += plan.totalTokens
  }

  // --- phase 1: running sequences ---

  /** Hot path: for a sequence that needs no block, a dozen loads and stores. The cursor is in locals but around `#makeRoom`. */
  #scheduleRunning(): void {
    const life = this.#life
    const { tokens, computed, attentionAt } = life.store
    const { running } = life
    const plan = this.#plan
    const { slots, kinds, tokens: planTokens, computed: planComputed } = plan
    const context = this.#life.config.contextLimit - 1
    let budget = this.#budget
    let count = 0
    let index = 0
    while (index < life.runningCount && budget > 0) {
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
    const threshold = this.#life.config.longPrefillThreshold
    const n = threshold > 0 && outstanding > threshold ? threshold : outstanding
    return n > this.#prefillBudget ? this.#prefillBudget : n
  }

  /** Gets the sequence at the cursor the blocks for `end` tokens, stopping victims; false when it was stopped itself. */
  #makeRoom(slot: number, end: Tokens): boolean {
    const life = this.#life
    const need = life.blocksFor(end) - life.tables.length(slot)
    while (need > life.pool.freeBlocks) {
      const victim = chooseVictim[this.#life.config.victim](life, this.#index)
      const itself = victim === this.#index
      if (victim < this.#index) this.#takeBack(victim)
      this.#preempt(victim, slot)
      if (itself) return false
    }
    if (need > 0) life.tables.append(slot, need)
    life.settle(slot, end)
    return true
  }

  /** Stops the running sequence at an index so that another gets its memory or its place. */
  #preempt(victim: number, beneficiary: number): void {
    const life = this.#life
    const slot = life.running[victim]
    invariant(
      mayStop(life, slot, beneficiary),
      () => `slot ${slot} outranks slot ${beneficiary}, for which it would be stopped`,
    )
    this.#plan.addPreempted(slot)
    life.stop(victim, this.#plan.copies)
  }

  /** A victim before the cursor loses what this step had planned for it. */
  #takeBack(victim: number): void {
    const life = this.#life
    const plan = this.#plan
    const slot = life.running[victim]
    const k = plan.find(slot)
    if (k >= 0) {
      const n = plan.tokens[k]
      const { tokens, computed } = life.store
      computed[slot] -= n
      this.#budget += n
      if (tokens[slot] - computed[slot] > 1) this.#prefillBudget += n
      if (!this.#life.config.keepTakenBack) life.forgetBeyond(slot, computed[slot])
      plan.removeAt(k)
    }
    this.#index--
  }

  // --- phase 2: waiting sequences ---

  #admitWaiting(now: Micros): void {
    const life = this.#life
    while (life.waiting.size > 0 && this.#budget > 0 && life.runningCount < this.#life.config.sequenceLimit) {
      if (!this.#admit(now, life.waiting.head())) return
    }
  }

  /** Admits the head of the queue if it fits. Everything is checked before anything is touched. */
  #admit(now: Micros, slot: number): boolean {
    const life = this.#life
    const { store, config } = life
    const length = store.tokens[slot]
    const most = config.prefixCaching ? Math.floor((length - 1) / life.blockSize) : 0
    const hit = life.tables.findPrefix(slot, store.content(slot), most)
    const ready = life.tokensReady(slot, hit.blocks * life.blockSize)

    const n = this.#firstChunk(length - ready)
    if (n <= 0) return false
    const blocks = life.blocksFor(Math.min(ready + n, config.contextLimit)) - hit.blocks
    const whole = life.blocksFor(Math.min(length, config.contextLimit)) - hit.blocks
    const reserved = config.reserveFullSequence ? Math.max(blocks, whole) : blocks
    const missing = Math.max(0, reserved) + hit.revived + this.#watermarkBlocks() - life.pool.freeBlocks
    if (missing > 0) {
      this.shortage = missing
      return false
    }

    const restored = life.enter(now, slot, hit, blocks, this.#plan.copies)
    const again = store.preemptions[slot] > 0 ? KIND_RESUMED : KIND_NEW
    this.#plan.ensure(life.runningCount)
    this.#plan.add(slot, n, ready, restored ? KIND_RESTORED : again)
    store.computed[slot] = ready + n
    life.settle(slot, ready + n)
    this.#budget -= n
    if (length - ready > 1) this.#prefillBudget -= n
    life.waiting.admitted?.(slot, length - ready)
    return true
  }

  /** Tokens of a sequence's first step, 0 when it may not begin in this one. */
  #firstChunk(outstanding: Tokens): Tokens {
    const { longPrefillThreshold, chunkedPrefill } = this.#life.config
    const n = longPrefillThreshold > 0 ? Math.min(outstanding, longPrefillThreshold) : outstanding
    const budget = outstanding > 1 ? Math.min(this.#budget, this.#prefillBudget) : this.#budget
    if (!chunkedPrefill && n > budget) return 0
    return Math.min(n, budget)
  }

  /** Blocks that an admission must leave free; none while nothing runs. */
  #watermarkBlocks(): Blocks {
    if (this.#life.config.watermark === 0 || this.#life.runningCount === 0) return 0
    return Math.trunc(this.#life.config.watermark * this.#life.pool.totalBlocks)
  }

  // --- phase 0, of preemptive orders only ---

  /**
   * When the head has no place and the order puts it before some running sequence that does not outrank it, the last of these gives
   * way; at most one a step, so that the running ones are not all thrown out for a head that then fits nowhere.
   */
  #displaceForHead(): void {
    const life = this.#life
    const head = life.waiting.head()
    if (head === -1 || life.runningCount === 0) return
    const fits = life.blocksFor(life.store.tokens[head]) <= life.pool.freeBlocks
    if (fits && life.runningCount < this.#life.config.sequenceLimit) return
    let last = -1
    for (let i = 0; i < life.runningCount; i++) {
      if (!mayStop(life, life.running[i], head)) continue
      if (last === -1 || life.waiting.before(life.running[last], life.running[i])) last = i
    }
    if (last !== -1 && life.waiting.before(head, life.running[last])) this.#preempt(last, head)
  }
}
