import { BlockPool, TokenContent } from '@kvasir/kv-cache'
import type { SchedulerConfig } from '../config.js'
import { Scheduler } from '../scheduler.js'
import type { StepOutcome } from '../step-outcome.js'
import type { StepPlan } from '../step-plan.js'
import { isEndOfSequence, outputToken, promptTokens } from './fake-model.js'
import type { GoldenCase, GoldenConfig } from './golden-case.js'

/** Hears what the scheduler decided. Slots are request numbers only through `requestOf`. */
export interface CaseObserver {
  /** Before the step: requests added, and aborts that really ended one. */
  arrivals(run: CaseRun, added: readonly number[], aborted: readonly number[]): void
  planned(run: CaseRun, plan: StepPlan): void
  completed(run: CaseRun, plan: StepPlan, outcome: StepOutcome | undefined): void
  /** A step in which nothing was unfinished, so that none was planned. */
  idle(run: CaseRun): void
}

export type CaseEnd = 'drained' | 'stalled' | 'max_steps'

export interface CaseRun {
  readonly scheduler: Scheduler
  readonly pool: BlockPool
  /** By slot: the number of the request in it. */
  readonly requestOf: number[]
  /** By request number: its slot while it is unfinished, else -1. */
  readonly slotOf: Int32Array
  step: number
}

/** A recorded configuration in our words; the settings that make the scheduler decide as recorded. */
export function translateConfig(config: GoldenConfig): SchedulerConfig {
  const usable = config.num_gpu_blocks - 1
  const watermarkBlocks = Math.trunc(config.watermark * config.num_gpu_blocks)
  return {
    stepTokenLimit: config.max_num_batched_tokens,
    prefillTokenLimit: 0,
    sequenceLimit: config.max_num_seqs,
    contextLimit: config.max_model_len,
    chunkedPrefill: config.enable_chunked_prefill,
    longPrefillThreshold: config.long_prefill_token_threshold,
    prefixCaching: config.enable_prefix_caching,
    // A share of usable blocks instead of all: half a block more keeps the truncation from falling short.
    watermark: watermarkBlocks === 0 ? 0 : (watermarkBlocks + 0.5) / usable,
    reserveFullSequence: config.reserve_full_isl,
    order: config.policy,
    agingPerUs: 0,
    preemptive: false,
    predictor: 'max-tokens',
    predictorQuantile: 0.5,
    victim: config.policy === 'fcfs' ? 'latest' : 'lowest-priority',
    preemption: 'recompute',
    victimsMayOutrank: true,
    queueLimit: 0,
    shedUnreachable: false,
    refuseImpossible: false,
    keepTakenBack: true,
  }
}

/** Block ids 1, 2, 3, ... as recorded: bundles of one block, of which number 0, the null block, is never mapped. */
function makePool(config: GoldenConfig): BlockPool {
  const pool = new BlockPool({
    blockSize: config.block_size,
    blocksPerBundle: 1,
    bundleCapacity: config.num_gpu_blocks,
    placement: 'queue-order',
    prefixCaching: config.enable_prefix_caching,
  })
  pool.mapBundles(Array.from({ length: config.num_gpu_blocks - 1 }, (_, i) => i + 1))
  return pool
}

/** Runs a case to its end: the recorded driver loop and fake model around our scheduler, which makes every decision. */
export function driveCase(golden: GoldenCase, observer?: CaseObserver): { run: CaseRun; end: CaseEnd } {
  const { config, requests } = golden
  const pool = makePool(config)
  const run: CaseRun = {
    scheduler: new Scheduler(translateConfig(config), pool),
    pool,
    requestOf: [],
    slotOf: new Int32Array(requests.length).fill(-1),
    step: 0,
  }
  const { scheduler, requestOf } = run
  const contents: TokenContent[] = []
  const arrivals = new ArrivalOrder(golden)

  const stopped = (slot: number): boolean => {
    const r = requestOf[slot]
    const token = outputToken(requests[r], r, scheduler.outputTokens(slot) - 1)
    contents[r].append(token)
    return isEndOfSequence(token)
  }

  for (; ; run.step++) {
    if (scheduler.unfinishedCount === 0) {
      const next = arrivals.nextStep(run.step)
      if (next === undefined) return { run, end: 'drained' }
      run.step = next
    }
    if (run.step >= config.max_steps) return { run, end: 'max_steps' }

    const added = arrivals.takeRequests(run.step)
    for (const r of added) contents[r] = submit(run, golden, r)
    const aborted = arrivals.takeAborts(run.step).filter((r) => scheduler.abort(run.slotOf[r]))
    for (const r of aborted) run.slotOf[r] = -1
    observer?.arrivals(run, added, aborted)
    if (scheduler.unfinishedCount === 0) {
      observer?.idle(run)
      continue
    }

    const plan = scheduler.plan(run.step, config.max_num_batched_tokens)
    observer?.planned(run, plan)
    const outcome = plan.count > 0 ? scheduler.complete(run.step, plan, stopped) : undefined
    observer?.completed(run, plan, outcome)
    for (let i = 0; outcome !== undefined && i < outcome.finishedCount; i++) {
      run.slotOf[requestOf[outcome.finishedSlots[i]]] = -1
    }
    const nothing = plan.count === 0 && plan.preemptedCount === 0
    if (nothing && arrivals.nextStep(run.step + 1) === undefined) return { run, end: 'stalled' }
  }
}

function submit(run: CaseRun, { requests }: GoldenCase, r: number): TokenContent {
  const request = requests[r]
  const prompt = promptTokens(request.prompt, request.prompt_len)
  const content = new TokenContent(prompt, request.max_tokens)
  const submission = run.scheduler.submit(run.step, {
    id: request.id,
    promptTokens: request.prompt_len,
    maxOutputTokens: request.max_tokens,
    // Recorded the other way round.
    priority: -request.priority,
    arrivalUs: request.arrival_time,
    content,
  })
  if (submission.kind === 'accepted') {
    run.requestOf[submission.slot] = r
    run.slotOf[r] = submission.slot
  }
  return content
}

/** Requests and aborts by step, in the recorded order within it. */
class ArrivalOrder {
  readonly #requestSteps: readonly number[]
  /** Request numbers by arrival step, in array order within a step. */
  readonly #requests: readonly number[]
  readonly #aborts: GoldenCase['aborts']
  readonly #numbers: Map<string, number>
  #nextRequest = 0
  #nextAbort = 0

  constructor({ requests, aborts }: GoldenCase) {
    this.#requestSteps = requests.map((request) => request.arrival_step)
    this.#requests = requests
      .map((_, r) => r)
      .sort((a, b) => requests[a].arrival_step - requests[b].arrival_step || a - b)
    this.#aborts = aborts
    this.#numbers = new Map(requests.map((request, r) => [request.id, r]))
  }

  /** The first step from `step` on with an arrival or an abort. */
  nextStep(step: number): number | undefined {
    let next = Infinity
    if (this.#nextRequest < this.#requests.length)
      next = this.#requestSteps[this.#requests[this.#nextRequest]]
    for (let i = this.#nextAbort; i < this.#aborts.length; i++) {
      if (this.#aborts[i].step < step) continue
      next = Math.min(next, this.#aborts[i].step)
      break
    }
    return next === Infinity ? undefined : next
  }

  takeRequests(step: number): number[] {
    const taken: number[] = []
    while (this.#nextRequest < this.#requests.length) {
      const r = this.#requests[this.#nextRequest]
      if (this.#requestSteps[r] > step) break
      taken.push(r)
      this.#nextRequest++
    }
    return taken
  }

  takeAborts(step: number): number[] {
    const taken: number[] = []
    while (this.#nextAbort < this.#aborts.length && this.#aborts[this.#nextAbort].step <= step) {
      const { id, step: at } = this.#aborts[this.#nextAbort++]
      const r = this.#numbers.get(id)
      if (r !== undefined && at === step) taken.push(r)
    }
    return taken
  }
}
