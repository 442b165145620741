import type { BlockCopies } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { BlockPool, type Placement, SwapSpace, TokenContent } from '@kvasir/kv-cache'
import { describe, expect, test } from 'vitest'
import { defaultSchedulerConfig, type SchedulerConfig, type SequenceCosts } from './config.js'
import { type OrderPolicy, orderPolicies, whyNotPreemptive } from './order-policies.js'
import type { PredictorName } from './output-predictor.js'
import type { PreemptionMethod } from './return-cost.js'
import { Scheduler } from './scheduler.js'
import { finishReasons } from './step-outcome.js'
import type { StepPlan } from './step-plan.js'
import type { VictimPolicy } from './victim-policies.js'

const victims: VictimPolicy[] = ['latest', 'lowest-priority', 'least-waste']
const placements: Placement[] = ['queue-order', 'fullest-bundle']
const methods: PreemptionMethod[] = ['recompute', 'swap', 'cheapest']
/** Short sequences are computed again sooner than copied, long ones not. */
const costs: SequenceCosts = { recomputeUs: (tokens) => tokens * tokens, swapUs: (blocks) => 40 * blocks }
const predictors: PredictorName[] = ['max-tokens', 'learned']
const mayPreempt = (order: OrderPolicy) => whyNotPreemptive(order) === undefined
const endOfSequence = 0

/** What all runs met: a sweep that never meets a case proves nothing about it. */
const met = {
  swappedOut: 0,
  swappedIn: 0,
  foundInCache: 0,
  releasedToHost: 0,
  noRoom: 0,
  copiesLost: 0,
  stepsLost: 0,
  outsLost: 0,
  insLost: 0,
  shed: 0,
}

interface Life {
  readonly id: string
  readonly content: TokenContent
  readonly promptTokens: number
  readonly maxOutputTokens: number
  readonly outputs: number[]
  ended: string | undefined
}

/** A deterministic model: the next token depends on all tokens before it, as attention sees them in the KV memory. */
function nextToken(tokens: ArrayLike<number>): number {
  let h = 7
  for (let i = 0; i < tokens.length; i++) h = (Math.imul(h, 31) + tokens[i]) | 0
  return (h >>> 0) % 40
}

/** One random run: an engine with a small pool whose lease changes, with aborts and reclaims at any time. */
class RandomRun {
  readonly rng: SeededRng
  readonly pool: BlockPool
  readonly config: SchedulerConfig
  readonly scheduler: Scheduler
  readonly lives = new Map<number, Life>()
  readonly all: Life[] = []
  /** KV memory by block and offset: the token whose KV lies there. */
  readonly memory = new Map<number, number[]>()
  readonly hostMemory = new Map<number, number[]>()
  readonly capacity: number
  submitted = 0
  refused = 0
  steps = 0

  constructor(seed: number, overrides: Partial<SchedulerConfig> = {}) {
    const rng = new SeededRng(seed, 'scheduler-laws')
    this.rng = rng
    const pick = <T>(values: readonly T[]): T => values[rng.int(values.length)]
    const blockSize = pick([1, 2, 3, 4, 8, 16])
    const contextLimit = 20 + rng.int(80)
    const blocksPerBundle = pick([1, 2, 4, 7])
    const least = Math.ceil(contextLimit / blockSize / blocksPerBundle)
    this.capacity = least + rng.int(2 * least + 4)
    const chunkedPrefill = rng.int(4) > 0
    const prefixCaching = rng.int(2) === 0
    this.config = {
      ...defaultSchedulerConfig,
      stepTokenLimit: chunkedPrefill ? 1 + rng.int(60) : contextLimit,
      prefillTokenLimit: pick([0, 0, 0, 1 + rng.int(30)]),
      sequenceLimit: 1 + rng.int(12),
      contextLimit,
      chunkedPrefill,
      longPrefillThreshold: pick([0, 0, 5]),
      prefixCaching,
      watermark: pick([0, 0, 0.1]),
      reserveFullSequence: rng.int(3) > 0,
      order: pick(orderPolicies),
      agingPerUs: pick([0, 0.5]),
      preemptive: rng.int(4) === 0,
      predictor: pick(predictors),
      shedUnreachable: rng.int(2) === 0,
      victim: pick(victims),
      preemption: pick(methods),
      queueLimit: pick([0, 0, 5]),
      ...overrides,
    }
    // Without chunks a prefill limit below a prompt would keep it out for ever.
    if (!chunkedPrefill) this.config = { ...this.config, prefillTokenLimit: 0 }
    if (!mayPreempt(this.config.order)) this.config = { ...this.config, preemptive: false }
    this.pool = new BlockPool({
      blockSize,
      blocksPerBundle,
      bundleCapacity: this.capacity,
      placement: pick(placements),
      prefixCaching,
    })
    this.pool.mapBundles(Array.from({ length: this.capacity }, (_, i) => i))
    const hostBlocks = pick([0, 3, this.capacity * blocksPerBundle, 10_000])
    this.scheduler = new Scheduler(this.config, this.pool, costs, new SwapSpace(hostBlocks))
  }

  submit(): void {
    const { rng, config } = this
    const n = this.submitted++
    const promptTokens = 1 + rng.int(config.contextLimit + 4)
    const maxOutputTokens = 1 + rng.int(30)
    // Few distinct beginnings, so that prefixes are shared.
    const family = rng.int(3)
    const shared = rng.int(promptTokens + 1)
    const prompt = Array.from({ length: promptTokens }, (_, i) =>
      i < shared ? 100 * family + i : 1000 + n * 100 + i,
    )
    const content = new TokenContent(prompt)
    const life: Life = { id: `s${n}`, content, promptTokens, maxOutputTokens, outputs: [], ended: undefined }
    const submission = this.scheduler.submit(this.steps, {
      id: life.id,
      promptTokens,
      maxOutputTokens,
      priority: rng.int(4),
      arrivalUs: this.steps,
      ...(rng.int(3) === 0 ? { deadlineUs: this.steps + 200 } : {}),
      tenant: `t${rng.int(3)}`,
      weight: 1 + rng.int(3),
      content,
    })
    if (submission.kind === 'refused') {
      this.refused++
      return
    }
    expect(this.lives.has(submission.slot)).toBe(false)
    this.lives.set(submission.slot, life)
    this.all.push(life)
  }

  end(slot: number, reason: string): void {
    const life = this.lives.get(slot) as Life
    expect(life.ended).toBeUndefined()
    life.ended = reason
    this.lives.delete(slot)
  }

  /** Plans a step, lets something happen while it runs, completes it. False when there was nothing to do. */
  step(disturb: boolean): boolean {
    const { scheduler, config, rng } = this
    const now = this.steps++
    const shed = scheduler.shed(now)
    for (const slot of shed) {
      met.shed++
      expect(this.lives.get(slot)?.outputs).toEqual([])
      this.end(slot, 'shed')
    }
    const tokenLimit = disturb && config.chunkedPrefill && rng.int(5) === 0 ? rng.int(10) : Infinity
    const plan = scheduler.plan(now, tokenLimit)
    scheduler.audit()
    this.checkPlan(plan, Math.min(tokenLimit, config.stepTokenLimit))
    if (plan.count === 0) {
      this.copy(plan.copies)
      return plan.preemptedCount > 0 || tokenLimit < Infinity || shed.length > 0
    }
    const copies = plan.copies.outCount + plan.copies.inCount
    const lost = disturb && rng.int(copies > 0 ? 3 : 20) === 0
    met.stepsLost += lost ? 1 : 0
    met.outsLost += lost ? plan.copies.outCount : 0
    met.insLost += lost ? plan.copies.inCount : 0
    met.swappedOut += plan.copies.outCount
    met.swappedIn += plan.copies.inCount
    if (!lost) {
      this.copy(plan.copies)
      this.compute(plan)
    }
    const aborted = disturb ? this.disturb() : []
    if (disturb) scheduler.audit()
    if (lost) {
      // The device never ran the step: what it should have written is not there.
      const running = new Set(scheduler.runningSlots())
      for (const slot of scheduler.cancel(plan)) expect(running.has(slot)).toBe(true)
      scheduler.audit()
      return true
    }
    const outcome = scheduler.complete(now, plan, (slot) => this.sample(slot) === endOfSequence)
    for (let i = 0; i < outcome.tokenCount; i++) expect(aborted).not.toContain(outcome.tokenSlots[i])
    for (let i = 0; i < outcome.finishedCount; i++) {
      const { restoredTokens, hitTokens, preemptions } = this.scheduler.sequence(outcome.finishedSlots[i])
      if (restoredTokens > 0 && hitTokens > 0) met.foundInCache++
      expect(preemptions > 0 || restoredTokens === 0).toBe(true)
      this.end(outcome.finishedSlots[i], finishReasons[outcome.finishedReasons[i]])
    }
    scheduler.audit()
    return true
  }

  checkPlan(plan: StepPlan, limit: number): void {
    const planned = new Set<number>()
    let total = 0
    let prefill = 0
    for (let k = 0; k < plan.count; k++) {
      planned.add(plan.slots[k])
      total += plan.tokens[k]
      expect(plan.tokens[k]).toBeGreaterThan(0)
      const { computed, promptTokens, outputTokens, blocks } = this.scheduler.sequence(plan.slots[k])
      expect(computed).toBe(plan.computed[k] + plan.tokens[k])
      expect(computed).toBeLessThanOrEqual(promptTokens + outputTokens)
      expect(blocks * this.pool.blockSize).toBeGreaterThanOrEqual(computed)
      if (promptTokens + outputTokens - plan.computed[k] > 1) prefill += plan.tokens[k]
    }
    expect(planned.size).toBe(plan.count)
    expect(total).toBe(plan.totalTokens)
    expect(total).toBeLessThanOrEqual(limit)
    if (this.config.prefillTokenLimit > 0) expect(prefill).toBeLessThanOrEqual(this.config.prefillTokenLimit)
    expect(this.scheduler.runningCount).toBeLessThanOrEqual(this.config.sequenceLimit)
    expect(plan.decodeSequences + plan.prefillTokens).toBe(total)
  }

  /** The device: outs before ins, and both before it computes. */
  copy({ outCount, inCount, outs, ins }: BlockCopies): void {
    for (let k = 0; k < outCount; k++)
      this.hostMemory.set(outs[2 * k + 1], (this.memory.get(outs[2 * k]) ?? []).slice())
    for (let k = 0; k < inCount; k++)
      this.memory.set(ins[2 * k], (this.hostMemory.get(ins[2 * k + 1]) ?? []).slice())
  }

  /** The device: writes the step's KV, then makes sure that every scheduled sequence sees exactly its own tokens. */
  compute(plan: StepPlan): void {
    const size = this.pool.blockSize
    for (let k = 0; k < plan.count; k++) {
      const tokens = (this.lives.get(plan.slots[k]) as Life).content.view()
      const table = this.scheduler.blockTable(plan.slots[k])
      for (let i = plan.computed[k]; i < plan.computed[k] + plan.tokens[k]; i++) {
        const block = table[Math.floor(i / size)]
        const slots = this.memory.get(block) ?? []
        slots[i % size] = tokens[i]
        this.memory.set(block, slots)
      }
    }
    for (let k = 0; k < plan.count; k++) {
      const tokens = (this.lives.get(plan.slots[k]) as Life).content.view()
      const table = this.scheduler.blockTable(plan.slots[k])
      for (let i = 0; i < plan.computed[k] + plan.tokens[k]; i++) {
        const seen = this.memory.get(table[Math.floor(i / size)])?.[i % size]
        if (seen !== tokens[i])
          throw new Error(`step ${this.steps}: ${seen} in place of token ${i} = ${tokens[i]}`)
      }
    }
  }

  sample(slot: number): number {
    const life = this.lives.get(slot) as Life
    const token = nextToken(life.content.view())
    life.content.append(token)
    life.outputs.push(token)
    return token
  }

  /** What others do while a step runs. Answers slots aborted. */
  disturb(): number[] {
    const { rng, scheduler } = this
    const aborted: number[] = []
    // From the first one on every audit compares the curve with one made anew.
    if (this.steps % 7 === 0) scheduler.supplyCurve(this.steps)
    if (rng.int(4) === 0) this.submit()
    if (rng.int(12) === 0) {
      const slots = scheduler.slots()
      if (slots.length > 0) {
        const slot = slots[rng.int(slots.length)]
        expect(scheduler.abort(slot)).toBe(true)
        expect(scheduler.abort(slot)).toBe(false)
        this.end(slot, 'abort')
        aborted.push(slot)
      }
    }
    if (rng.int(15) === 0) this.reclaim()
    return aborted
  }

  /** The lease shrinks by some bundles, and grows back later. */
  reclaim(): void {
    const { rng, scheduler, pool } = this
    const wanted = Math.min(pool.bundles, rng.int(4))
    const below = rng.int(6)
    const before = new Map(scheduler.runningSlots().map((slot) => [slot, scheduler.sequence(slot).priority]))
    const copyUsMax = [0, 500, Infinity][rng.int(3)]
    const { victims, freeBundles, copies } = scheduler.releaseBundles(this.steps, wanted, {
      victimsBelow: below,
      copyUsMax,
    })
    for (const slot of victims) expect(before.get(slot)).toBeLessThan(below)
    expect(freeBundles).toBe(pool.freeBundles)
    expect(40 * copies.outCount).toBeLessThanOrEqual(2 * copyUsMax)
    met.releasedToHost += copies.outCount
    met.noRoom += copies.outCount === 0 && victims.length > 0 && this.config.preemption === 'swap' ? 1 : 0
    if (copies.outCount > 0 && rng.int(3) === 0) {
      met.copiesLost++
      for (const slot of victims) scheduler.loseSwapped(slot, scheduler.id(slot))
    } else this.copy(copies)
    // Gone before the next step may use them; what the step in flight still writes there is of no account.
    for (const bundle of pool.unmapFree(wanted)) {
      for (let i = 0; i < pool.blocksPerBundle; i++) this.memory.delete(bundle * pool.blocksPerBundle + i)
    }
  }

  growLease(): void {
    const missing: number[] = []
    for (let bundle = 0; bundle < this.capacity; bundle++)
      if (!this.pool.isMapped(bundle)) missing.push(bundle)
    if (missing.length > 0) this.pool.mapBundles(missing)
  }

  run(): void {
    for (let i = 0; i < 120; i++) {
      if (this.rng.int(3) === 0) this.submit()
      if (this.rng.int(6) === 0) this.growLease()
      this.step(true)
    }
    this.growLease()
    // Bound of the drain: every sequence may be recomputed, but each step computes something.
    for (let i = 0; this.scheduler.unfinishedCount > 0; i++) {
      if (i > 20_000) throw new Error(`${this.scheduler.unfinishedCount} sequences never end`)
      if (!this.step(false)) throw new Error(`stuck with ${this.scheduler.unfinishedCount} unfinished`)
    }
  }

  /** Outputs of a sequence computed alone: what batching, caching and preemption must not change. */
  expectedOutputs(life: Life): number[] {
    const tokens = Array.from(life.content.view().subarray(0, life.promptTokens))
    const outputs: number[] = []
    const limit = Math.min(life.promptTokens + life.maxOutputTokens, this.config.contextLimit)
    while (tokens.length < limit && outputs.at(-1) !== endOfSequence) {
      outputs.push(nextToken(tokens))
      tokens.push(outputs[outputs.length - 1])
    }
    return outputs
  }

  checkEnds(): void {
    for (const life of this.all) {
      const expected = this.expectedOutputs(life)
      if (life.ended === 'abort' || life.ended === 'shed') {
        expect(life.outputs).toEqual(expected.slice(0, life.outputs.length))
        continue
      }
      expect(life.outputs).toEqual(expected)
      expect(life.ended).toBe(expected.at(-1) === endOfSequence ? 'stop' : 'length')
    }
    expect(this.all.length + this.refused).toBe(this.submitted)
    expect([this.pool.usedBlocks, this.pool.freeBundles]).toEqual([0, this.pool.bundles])
    expect(this.scheduler.swap.usedBlocks).toBe(0)
  }
}

const seeds = Array.from({ length: 80 }, (_, i) => i + 1)

describe('laws of the scheduler over random workloads, leases, aborts and reclaims', () => {
  test.each(seeds)('every law holds, every sequence ends once and with its own tokens (seed %i)', (seed) => {
    const run = new RandomRun(seed)
    run.run()
    run.checkEnds()
  })

  test.each(orderPolicies.flatMap((order) => victims.map((victim) => [order, victim] as const)))(
    'order %s with victim %s drains a pool that holds one sequence at a time',
    (order, victim) => {
      const ways = [
        { preemptive: false, preemption: 'cheapest' },
        { preemptive: true, preemption: 'recompute' },
        { preemptive: true, preemption: 'swap' },
      ] as const
      for (const { preemptive, preemption } of ways) {
        const run = new RandomRun(1_000 + orderPolicies.indexOf(order), {
          order,
          victim,
          preemptive,
          preemption,
          queueLimit: 0,
        })
        run.run()
        run.checkEnds()
      }
    },
  )

  test('have met every way of swapping, and shedding', () => {
    console.info(`scheduler laws: ${JSON.stringify(met)}`)
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(0)
  })
})
