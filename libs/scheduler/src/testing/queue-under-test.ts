import type { Micros, Tokens } from '@kvasir/kernel'
import { BlockPool, SyntheticContent } from '@kvasir/kv-cache'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from '../config.js'
import { Scheduler } from '../scheduler.js'
import type { FinishReason, SequenceInput, Submission } from '../sequence-input.js'
import { finishReasons } from '../step-outcome.js'

/** A token computed takes a microsecond, one put out ten. */
export const slowOutputs: SequenceCosts = {
  recomputeUs: (tokens: number) => tokens,
  swapUs: () => Infinity,
  outputUs: (tokens: number) => 10 * tokens,
}

const BLOCKS = 4_096

/**
 * A scheduler with memory enough, driven in virtual time. By default it runs one sequence at a time, so that the order of
 * admissions is the order of the policy.
 */
export class QueueUnderTest {
  readonly scheduler: Scheduler
  readonly costs: SequenceCosts
  now: Micros = 0
  /** Output tokens so far, by id. */
  readonly outputs = new Map<string, Tokens>()
  /** Why sequences finished, in that order. */
  readonly reasons: FinishReason[] = []
  readonly #lastSlots = new Map<string, number>()
  #submitted = 0

  constructor(config: Partial<SchedulerConfig>, costs: SequenceCosts = slowOutputs) {
    const full = { ...defaultSchedulerConfig, prefixCaching: false, sequenceLimit: 1, ...config }
    const pool = new BlockPool({
      blockSize: 16,
      blocksPerBundle: 1,
      bundleCapacity: BLOCKS,
      placement: 'queue-order',
      prefixCaching: full.prefixCaching,
    })
    pool.mapBundles(Array.from({ length: BLOCKS }, (_, i) => i))
    this.costs = costs
    this.scheduler = new Scheduler(full, pool, costs)
  }

  submit(id: string, input: Partial<SequenceInput> = {}): Submission {
    return this.scheduler.submit(this.now, {
      id,
      promptTokens: 10,
      maxOutputTokens: 1,
      priority: 0,
      arrivalUs: this.now,
      content: new SyntheticContent({ uniqueSeed: this.#submitted++ }),
      ...input,
    })
  }

  /** Plans a step and answers the ids in it; time passes by the costs of its chunks and decodes one after another. */
  step(): string[] {
    const { scheduler } = this
    const plan = scheduler.plan(this.now, Infinity)
    const ids = Array.from(plan.slots.subarray(0, plan.count), (slot) => scheduler.id(slot))
    ids.forEach((id, k) => this.#lastSlots.set(id, plan.slots[k]))
    for (let k = 0; k < plan.count; k++) {
      const n = plan.tokens[k]
      this.now +=
        n === 1 ? (this.costs.outputUs?.(1) ?? this.costs.recomputeUs(1)) : this.costs.recomputeUs(n)
    }
    if (plan.count === 0) return ids
    const outcome = scheduler.complete(this.now, plan)
    const { tokenCount, tokenSlots, finishedCount, finishedReasons } = outcome
    for (let i = 0; i < finishedCount; i++) this.reasons.push(finishReasons[finishedReasons[i]])
    for (let i = 0; i < tokenCount; i++) {
      const id = scheduler.id(tokenSlots[i])
      this.outputs.set(id, (this.outputs.get(id) ?? 0) + 1)
    }
    return ids
  }

  /** Ids of all steps until nothing is left to do. */
  drain(): string[] {
    const ids: string[] = []
    while (this.scheduler.unfinishedCount > 0) ids.push(...this.step())
    return ids
  }

  waitingIds(): string[] {
    return this.scheduler.waitingSlots().map((slot) => this.scheduler.id(slot))
  }

  slotOf(id: string): number {
    const slot = this.scheduler.slots().find((candidate) => this.scheduler.id(candidate) === id)
    if (slot === undefined) throw new Error(`${id} is over, or never was`)
    return slot
  }

  /** Where it ran in the last step that had it; readable until the next one. */
  lastSlotOf(id: string): number {
    return this.#lastSlots.get(id) ?? -1
  }
}
