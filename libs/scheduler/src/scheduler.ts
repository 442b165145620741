import type { BlockCopies } from '@kvasir/contracts'
import { type Blocks, type Bundles, invariant, type Micros, type Tokens } from '@kvasir/kernel'
import { type BlockPool, type Fragmentation, SwapSpace } from '@kvasir/kv-cache'
import { blocksAtEnd, checkConfig, knownEndOf, refusalOf, tokenLimitOf } from './admission.js'
import { auditLifecycle } from './audit.js'
import { type SchedulerConfig, type SequenceCosts, tokenCosts } from './config.js'
import { CopyBuffer } from './copy-buffer.js'
import {
  anyDecodes,
  committedBlocks,
  countDecodes,
  demandBlocks,
  highestWaitingPriority,
  lowestRunningPriority,
  prefillTokens,
} from './demand.js'
import { DeadlineWatch } from './deadline-watch.js'
import { firstTokenDueUs } from './first-token-due.js'
import { Flight } from './flight.js'
import { Lifecycle } from './lifecycle.js'
import { planRelease } from './release.js'
import type { SequenceInput, Submission } from './sequence-input.js'
import { SLOT_FREE, SLOT_RUNNING, SLOT_WAITING } from './sequence-store.js'
import { type SequenceView, viewSequence } from './sequence-view.js'
import { FINISH_LENGTH, FINISH_STOP, OutcomeBuffer, type StepOutcome } from './step-outcome.js'
import { KIND_RESTORED, PlanBuffer, type StepPlan } from './step-plan.js'
import { StepPlanner } from './step-planner.js'
import { auditSupply, type SupplyPoint, supplyPoints } from './supply.js'
import { SupplyBook } from './supply-book.js'

export interface ReleaseOptions {
  /** Only sequences of a lower priority are stopped; all may be when absent. */
  readonly victimsBelow?: number
  /** Longest time to copy victims' KV to host memory, by the cost model; what takes longer is dropped. No limit when absent. */
  readonly copyUsMax?: Micros
}

export interface Release {
  /** Slots stopped, now waiting again. */
  readonly victims: readonly number[]
  readonly freeBundles: Bundles
  /**
   * What the device copies after the step it runs now and before the next one. Until it has, no bundle may go to another engine.
   * Valid until the next release.
   */
  readonly copies: BlockCopies
}

/**
 * One engine's continuous-batching scheduler over its block pool, step for step the rules of vLLM V1 as recorded in
 * `golden/vllm`, with order, victim and placement as policies.
 *
 * A driver alternates `plan` and `complete` (or `cancel`). In between, while the device runs the step, sequences may be submitted,
 * aborted and stopped.
 *
 * Hot path: `plan` and `complete` allocate nothing in steady decode; measured by `kvasir bench scheduler`, budget 30 ns per
 * sequence and step for both together, 50 with prefix caching.
 */
export class Scheduler {
  readonly config: SchedulerConfig
  readonly #life: Lifecycle
  readonly #planned = new PlanBuffer()
  readonly #outcome = new OutcomeBuffer()
  /** Sequences that had ended when the newest step did. Whoever hears of its end may when the next one is planned: those that ended with it stay readable. */
  #endedBefore: number | undefined
  readonly #flight: Flight
  readonly #planner: StepPlanner
  readonly #deadlines: DeadlineWatch
  readonly #releaseCopies = new CopyBuffer()
  /** Most blocks the engine can ever hold. */
  #blockCeiling: Blocks
  /** Once a supply curve was asked for. */
  #supply: SupplyBook | undefined

  /** @param swap the engine's host memory; none when absent: then stopped sequences are computed again. */
  constructor(
    config: SchedulerConfig,
    pool: BlockPool,
    costs: SequenceCosts = tokenCosts,
    swap: SwapSpace = new SwapSpace(0),
  ) {
    checkConfig(config)
    invariant(
      config.prefixCaching === pool.prefixCaching,
      () => `prefix caching: scheduler ${config.prefixCaching}, pool ${pool.prefixCaching}`,
    )
    this.config = config
    this.#life = new Lifecycle(config, pool, costs, swap)
    this.#flight = new Flight(this.#life, this.#planned)
    this.#planner = new StepPlanner(this.#life, this.#planned)
    this.#deadlines = new DeadlineWatch(this.#life)
    this.#blockCeiling = pool.bundleCapacity * pool.blocksPerBundle
  }

  // --- sequences come and go ---

  submit(now: Micros, input: SequenceInput): Submission {
    const { promptTokens, maxOutputTokens, knownOutputTokens = maxOutputTokens } = input
    invariant(
      promptTokens >= 1 && maxOutputTokens >= 1,
      () => `${input.id}: ${promptTokens} prompt and ${maxOutputTokens} output tokens; both must be positive`,
    )
    invariant(
      knownOutputTokens >= 1 && knownOutputTokens <= maxOutputTokens,
      () => `${input.id}: output known to end after ${knownOutputTokens} tokens, at most ${maxOutputTokens}`,
    )
    const life = this.#life
    const refusal = refusalOf(now, input, {
      config: this.config,
      costs: life.costs,
      blockSize: life.blockSize,
      blockCeiling: this.#blockCeiling,
      waiting: life.waiting.size,
      cachedTokens: () => life.cachedTokens(input),
    })
    if (refusal !== undefined) return refusal
    const slot = life.add(input, knownEndOf(this.config, input))
    if (this.config.shedUnreachable) this.#deadlines.watch(slot)
    return { kind: 'accepted', slot }
  }

  /**
   * Ends waiting sequences that have never run and whose deadline cannot be met any more, if the configuration says so: none else.
   * Answers their slots, readable until the next plan; the caller says why (`deadline_unreachable`).
   */
  shed(now: Micros): readonly number[] {
    const slots = this.#deadlines.overdue(now)
    for (const slot of slots) this.#life.withdraw(slot)
    return slots
  }

  /** Ends a sequence at once, even while its step runs; false when it is not unfinished any more. */
  abort(slot: number): boolean {
    const life = this.#life
    const state = slot >= 0 && slot < life.store.capacity ? life.store.state[slot] : SLOT_FREE
    if (state === SLOT_WAITING) {
      life.withdraw(slot)
      return true
    }
    if (state !== SLOT_RUNNING) return false
    this.#flight.drop(slot)
    life.finish(slot)
    life.removeRunning(life.running.indexOf(slot))
    return true
  }

  /**
   * Says how many blocks the engine can ever hold; what needs more is refused from now on. Answers the accepted sequences that
   * can't fit any more: the caller aborts them and says why, else they may wait for ever.
   */
  setBlockCeiling(blocks: Blocks): number[] {
    const lowered = blocks < this.#blockCeiling
    this.#blockCeiling = blocks
    if (!lowered || !this.config.refuseImpossible) return []
    const { store, blockSize } = this.#life
    return this.slots().filter((slot) => blocksAtEnd(this.config, blockSize, store.input(slot)) > blocks)
  }

  // --- a step ---

  /**
   * Decides one step and books it: blocks are taken, computed counts advanced. The plan is the scheduler's and valid until the next
   * one. An empty plan needs no completion.
   * @param tokenLimit most tokens of this step, if below the configured step token limit.
   */
  plan(now: Micros, tokenLimit: Tokens): StepPlan {
    if (this.#flight.active) refuse('plan before the last step was completed')
    this.#life.store.recycle(this.#endedBefore)
    this.#endedBefore = undefined
    this.#planner.plan(now, tokenLimit)
    const plan = this.#planned
    this.#flight.active = plan.count > 0
    return plan
  }

  /**
   * Applies the outcome of the step: every sequence all of whose tokens are computed now gets one token, and is finished if
   * `stopped` says so (an end-of-sequence token) or at its length. Without `stopped` all run to their length.
   */
  complete(_now: Micros, plan: StepPlan, stopped?: (slot: number) => boolean): StepOutcome {
    if (plan !== this.#planned || !this.#flight.active) refuse('completion of a step that is not in flight')
    if (plan.copies.inCount > 0) this.#noteRestored(plan)
    const life = this.#life
    this.#endedBefore = life.store.endedCount
    const { tokens, computed, tokenLimit } = life.store
    const { slots, count } = this.#planned
    const outcome = this.#outcome
    outcome.reset(count)
    const { tokenSlots } = outcome
    const anyDropped = this.#flight.droppedCount > 0
    let tokenCount = 0
    for (let k = 0; k < count; k++) {
      const slot = slots[k]
      if (anyDropped && this.#flight.wasDropped(k)) continue
      const length = tokens[slot]
      if (computed[slot] !== length) continue
      if (life.promptCount > 0 && life.isPrompt(slot)) life.promptCount--
      tokens[slot] = length + 1
      tokenSlots[tokenCount++] = slot
      if (stopped?.(slot) === true) this.#finish(slot, FINISH_STOP)
      else if (length + 1 >= tokenLimit[slot]) this.#finish(slot, this.#reasonAtEnd(slot))
    }
    outcome.tokenCount = tokenCount
    this.#flight.land()
    if (outcome.finishedCount > 0) this.#life.dropEnded()
    this.#life.waiting.emitted?.(tokenSlots, tokenCount)
    return outcome
  }

  /** What there will be to do when the planned step has ended, unless it is aborted meanwhile: at least one decode, or other work. */
  after({ count, slots }: StepPlan): 'decodes' | 'work' | 'nothing' {
    const { tokens, computed, tokenLimit } = this.#life.store
    let unfinished = this.unfinishedCount > count
    for (let k = 0; k < count; k++) {
      const slot = slots[k]
      const length = tokens[slot]
      if (computed[slot] !== length) unfinished = true
      else if (length + 1 < tokenLimit[slot]) return 'decodes'
    }
    return unfinished ? 'work' : 'nothing'
  }

  /**
   * The device did not run the step: its sequences are stopped, for nothing that was planned for them exists, and wait again.
   * Answers their slots.
   */
  cancel(plan: StepPlan): number[] {
    invariant(plan === this.#planned && this.#flight.active, () => 'cancelling a step that is not in flight')
    const life = this.#life
    const stopped: number[] = []
    // Nothing was copied out; what was to be copied in is in host memory still.
    for (let i = 0; i < plan.preemptedCount; i++) life.loseSwapped(plan.preempted[i])
    // Backwards, so that they come back in the order in which they were admitted.
    for (let k = plan.count - 1; k >= 0; k--) {
      if (this.#flight.wasDropped(k)) continue
      this.#flight.undo(k)
      life.stop(life.running.indexOf(plan.slots[k]))
      stopped.push(plan.slots[k])
    }
    this.#flight.land()
    return stopped.reverse()
  }

  // --- giving memory back ---

  /**
   * Makes at least `bundles` of the mapped bundles free, if the eligible sequences can: free ones count first, then sequences are
   * stopped at the least cost found. Stopped sequences wait again and keep their arrival. Unmapping is the caller's.
   */
  releaseBundles(_now: Micros, bundles: Bundles, options: ReleaseOptions = {}): Release {
    const life = this.#life
    const victims = planRelease(life, { bundles, victimsBelow: options.victimsBelow ?? Infinity })
    const copies = this.#releaseCopies
    copies.reset()
    for (const slot of victims) this.#release(slot, options.copyUsMax ?? Infinity)
    return { victims, freeBundles: life.pool.freeBundles, copies }
  }

  /** Stops a victim. What the step on the device has admitted may rest on KV that only this step computes: it is not kept. */
  #release(slot: number, copyUsMax: Micros): void {
    const life = this.#life
    const keep = this.#flight.ranBefore(slot)
    this.#flight.drop(slot)
    const blocks = this.#releaseCopies.outCount + life.blocksFor(life.store.computed[slot])
    // Out takes half of out and in.
    const inTime = copyUsMax === Infinity || life.costs.swapUs(blocks) / 2 <= copyUsMax
    life.stop(life.running.indexOf(slot), keep && inTime ? this.#releaseCopies : undefined)
  }

  /**
   * A copy out that a release or a step asked for did not take place: if the slot still has this sequence, and its KV in host memory,
   * it will be computed again.
   */
  loseSwapped(slot: number, id: string): void {
    if (this.#life.store.inputs[slot]?.id === id) this.#life.loseSwapped(slot)
  }

  /** What freeing more bundles than are free would cost, per priority of the sequences stopped. From the first call on it is kept up to date. */
  supplyCurve(_now: Micros): SupplyPoint[] {
    this.#supply ??= new SupplyBook(this.#life, this.#life.tables.watchChanges())
    return supplyPoints(this.#life, this.#supply)
  }

  /** What the step copied in needs no place in host memory any more. */
  #noteRestored({ count, kinds, slots }: StepPlan): void {
    for (let k = 0; k < count; k++) {
      if (kinds[k] === KIND_RESTORED && !this.#flight.wasDropped(k)) this.#life.restored(slots[k])
    }
  }

  /** Of a sequence that has as many tokens as it may, or as it is known to get. */
  #reasonAtEnd(slot: number): number {
    const { store } = this.#life
    return store.tokens[slot] < tokenLimitOf(this.config, store.input(slot)) ? FINISH_STOP : FINISH_LENGTH
  }

  #finish(slot: number, reason: number): void {
    this.#life.predictor.learn(this.outputTokens(slot))
    this.#life.finish(slot)
    const outcome = this.#outcome
    outcome.finishedSlots[outcome.finishedCount] = slot
    outcome.finishedReasons[outcome.finishedCount++] = reason
  }

  // --- reading ---

  get runningCount(): number {
    return this.#life.runningCount
  }

  get waitingCount(): number {
    return this.#life.waiting.size
  }

  get unfinishedCount(): number {
    return this.#life.runningCount + this.#life.waiting.size
  }

  /** A step was planned and neither completed nor cancelled. */
  get inFlight(): boolean {
    return this.#flight.active
  }

  /** Running sequences with exactly one token to compute. O(running). */
  get runningDecodes(): number {
    return countDecodes(this.#life)
  }

  /** Whether some running sequence has exactly one token to compute, or none before the step under way is done. O(1) while most have. */
  get decodes(): boolean {
    return anyDecodes(this.#life)
  }

  /** Tokens to compute before all that run or wait are decoding. O(running). */
  get outstandingPrefillTokens(): Tokens {
    return prefillTokens(this.#life)
  }

  /** Last moment to go on with prompts whose first token is due so long after arrival, see `first-token-due.ts`. O(1) while none runs. */
  firstTokenDueUs(now: Micros, ttftUs: Micros): Micros {
    return firstTokenDueUs(this.#life, now, ttftUs)
  }

  /** Blocks in use and those that running sequences lack, see `demand.ts`. O(running). */
  committedBlocks(): Blocks {
    return committedBlocks(this.#life)
  }

  /** Blocks the engine could use now, see `demand.ts`. O(running + sequence limit). */
  demandBlocks(): Blocks {
    return demandBlocks(this.#life)
  }

  /** Blocks by which this plan, the last one made, failed to admit or keep a sequence; 0 when memory was no obstacle. */
  shortageBlocks(plan: StepPlan): Blocks {
    if (plan !== this.#planned) refuse('shortage of a plan that is not the last one')
    return this.#planner.shortage
  }

  /** -Infinity when none waits. O(waiting). */
  highestWaitingPriority(): number {
    return highestWaitingPriority(this.#life)
  }

  /** Infinity when none runs. O(running). */
  lowestRunningPriority(): number {
    return lowestRunningPriority(this.#life)
  }

  /** Running slots in order of admission. Cold: allocates. */
  runningSlots(): number[] {
    return Array.from(this.#life.running.subarray(0, this.#life.runningCount))
  }

  /** Waiting slots in the order in which they would be admitted. Cold: sorts. */
  waitingSlots(): number[] {
    return this.#life.waiting.toArray()
  }

  /** All unfinished slots, running ones first. Cold. */
  slots(): number[] {
    return this.runningSlots().concat(this.waitingSlots())
  }

  /** A snapshot of one sequence; also of one that ended, until the next plan. */
  sequence(slot: number): SequenceView {
    return viewSequence(this.#life, slot)
  }

  id(slot: number): string {
    return this.#life.store.input(slot).id
  }

  outputTokens(slot: number): Tokens {
    const { tokens, promptTokens } = this.#life.store
    return tokens[slot] - promptTokens[slot]
  }

  /** Block ids of a sequence; a view, valid until the next plan or release. */
  blockTable(slot: number): Int32Array {
    return this.#life.tables.view(slot)
  }

  /** The engine's host memory, to be read. */
  get swap(): SwapSpace {
    return this.#life.swap
  }

  fragmentation(): Fragmentation {
    return this.#life.tables.fragmentation(this.#life.storedTokens)
  }

  /** Recounts everything that is kept incrementally, and checks every law. For tests. @throws {InvariantError} */
  audit(): void {
    auditLifecycle(this.#life)
    if (this.#supply !== undefined) auditSupply(this.#life, this.#supply)
  }
}

/** Apart from where it is called, so that the hot path carries no closures. */
function refuse(message: string): never {
  invariant(false, () => message)
}
