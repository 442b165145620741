import type { TraceDetail, TraceRecord } from '@kvasir/contracts'
import type { Replica } from '@kvasir/dispatch'
import type { PreemptionCause } from '@kvasir/engine-core'
import { invariant, type Micros, MICROS_PER_SECOND, type Tokens } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'
import { empiricalCdf, meetsSlo } from '@kvasir/metrics'
import {
  finishReasons,
  KIND_NEW,
  KIND_RUNNING,
  type SequenceInput,
  type StepOutcome,
  type StepPlan,
} from '@kvasir/scheduler'
import type { RequestRecord } from '@kvasir/workload'
import type { DeviceHost, EngineHost } from './build.js'
import { ClusterBook } from './cluster-book.js'
import type { ClusterPlan } from './cluster-plan.js'
import type { FaultBook } from './faults/fault-book.js'
import { type LiveRequest, liveRequest } from './live-request.js'
import type { ModelRecord } from './model-record.js'
import type { SimulationResult } from './result.js'
import { summariseRun } from './run-summary.js'
import { TenantRecord } from './tenant-record.js'
import { TraceEmitter } from './trace-emitter.js'

/** Points of a CDF in the result: enough for a plot, few enough for a report. */
const CDF_POINTS = 200
const SAMPLE_EVERY_US: Micros = 500_000
/** Virtual time without a step after the last arrival that proves a run to be stuck: far beyond every lease and deadline. */
const STUCK_AFTER_US: Micros = 120 * MICROS_PER_SECOND

export interface WatchedCluster {
  readonly plan: ClusterPlan
  /** The plan's models, in its order. */
  readonly models: readonly ModelRecord[]
  readonly engines: readonly EngineHost[]
  readonly devices: readonly DeviceHost[]
}

/**
 * Watches a simulation and keeps its books: requests, latencies, shares, preemptions, time series, trace. It changes
 * nothing. Hot path: `stepped` does a dozen loads and stores for each token.
 */
export class Recorder {
  readonly sampleEveryUs = SAMPLE_EVERY_US
  readonly book: ClusterBook
  readonly #cluster: WatchedCluster
  readonly #models = new Map<string, ModelRecord>()
  readonly #tenants: ReadonlyMap<string, TenantRecord>
  readonly #trace: TraceEmitter | undefined
  readonly #faults: FaultBook | undefined
  readonly #tracesSteps: boolean
  #submitted = 0
  #finished = 0
  #rejected = 0
  #lastProgressUs: Micros = 0
  #lastArrivalUs: Micros = 0
  #ended: LiveRequest[] = []

  constructor(
    cluster: WatchedCluster,
    options: {
      readonly trace?: (record: TraceRecord) => void
      readonly traceDetail: TraceDetail
      readonly faults?: FaultBook
    },
  ) {
    this.#cluster = cluster
    for (const model of cluster.models) this.#models.set(model.plan.name, model)
    this.#tenants = new Map(
      cluster.plan.tenants?.map((tenant) => [tenant.name, new TenantRecord(tenant)] as const),
    )
    this.#trace = options.trace ? new TraceEmitter(options.trace) : undefined
    this.#faults = options.faults
    this.#tracesSteps = options.traceDetail === 'step'
    this.book = new ClusterBook(cluster, this.#trace)
  }

  get requests(): { readonly submitted: number; readonly finished: number; readonly rejected: number } {
    return { submitted: this.#submitted, finished: this.#finished, rejected: this.#rejected }
  }

  get allEnded(): boolean {
    return this.#finished + this.#rejected === this.#submitted
  }

  // ── a request's life ────────────────────────────────────────────────────────────────────────────

  submitted(now: Micros, record: RequestRecord, replica: Replica | undefined): LiveRequest {
    const model = this.#models.get(record.model ?? '')
    invariant(
      model !== undefined,
      () => `request ${record.id} asks for ${record.model}, which the plan does not have`,
    )
    this.#submitted++
    model.submitted++
    model.waiting.arrived(now)
    this.#lastArrivalUs = now
    const tenant = record.tenant === undefined ? undefined : this.#tenants.get(record.tenant)
    if (tenant) tenant.submitted++
    const live = liveRequest({ record, ordinal: this.#submitted, model, tenant, replica })
    this.#faults?.arrived(now)
    this.#trace?.enqueue(now, live)
    return live
  }

  /** What the engine is told of the request. */
  sequenceOf(live: LiveRequest): SequenceInput {
    const { record, model, tenant } = live
    const content = new SyntheticContent({
      uniqueSeed: live.ordinal,
      prefixBlocks: record.prefixBlocks ?? [],
      prefixBlockTokens: record.prefixBlockTokens || 1,
      prefixTokens: record.promptTokens,
    })
    return {
      id: record.id,
      promptTokens: record.promptTokens,
      maxOutputTokens: record.maxOutputTokens ?? record.outputTokens,
      knownOutputTokens: record.outputTokens,
      priority: record.priority + model.plan.terms.priority,
      arrivalUs: record.arrivalUs,
      content,
      // Last: each field behind a spread is added on its own.
      ...(record.deadlineUs === undefined ? {} : { deadlineUs: record.deadlineUs }),
      ...(record.tenant === undefined ? {} : { tenant: record.tenant }),
      ...(tenant === undefined ? {} : { weight: tenant.plan.weight }),
    }
  }

  accepted(_now: Micros, host: EngineHost, slot: number): void {
    const live = host.arriving
    invariant(live !== undefined, () => `${host.plan.id} accepted a request that nobody sent`)
    host.arriving = undefined
    host.bind(slot, live)
  }

  refused(now: Micros, host: EngineHost, reason: string, detail: string): LiveRequest {
    const live = host.arriving
    invariant(live !== undefined, () => `${host.plan.id} refused a request that nobody sent`)
    host.arriving = undefined
    this.rejected(now, live, reason, detail)
    return live
  }

  rejected(now: Micros, live: LiveRequest, reason: string, detail: string): void {
    const { model, tenant } = live
    this.#rejected++
    if (tenant) tenant.rejected++
    model.reject(reason)
    model.slo.missed()
    this.#faults?.ended(now, live.record.arrivalUs, false)
    model.waiting.ended(now)
    this.#release(live)
    this.#trace?.reject(now, live, reason, detail)
  }

  /** A sequence ended without being finished: its engine left. */
  ended(now: Micros, host: EngineHost, slot: number, reason: string): LiveRequest {
    const live = host.unbind(slot)
    live.outputTokens = host.machine.scheduler.outputTokens(slot)
    if (!this.#tracesSteps) this.#trace?.decodeRun(now, host, live)
    this.rejected(now, live, reason, `engine ${host.plan.id} ended it`)
    return live
  }

  /** The process of its engine is gone. Of what has not begun to stream nobody need hear: see `recalled`. */
  lost(
    now: Micros,
    host: EngineHost,
    slot: number,
  ): { readonly live: LiveRequest; readonly streamed: boolean } {
    const streamed = host.live(slot).ttftUs >= 0
    if (streamed) return { live: this.ended(now, host, slot, 'engine_lost'), streamed }
    return { live: host.unbind(slot), streamed }
  }

  /** A request of which its client has heard nothing goes elsewhere. */
  recalled(live: LiveRequest): void {
    this.#release(live)
    live.replica = undefined
    live.recomputedTokens = 0
  }

  planned(now: Micros, host: EngineHost, plan: StepPlan): void {
    host.step++
    for (let k = plan.count - 1; k >= 0 && plan.kinds[k] !== KIND_RUNNING; k--) {
      const live = host.live(plan.slots[k])
      if (live.queueUs < 0) {
        live.queueUs = now - live.record.arrivalUs
        live.model.queue.add(live.queueUs)
        live.model.waiting.started({ waitUs: live.queueUs, weight: weightOf(live) })
      }
      live.runStartUs = now
      live.runStartTokens = host.machine.scheduler.outputTokens(plan.slots[k])
      if (plan.kinds[k] !== KIND_NEW) noteRecomputed(host, plan.slots[k], live)
      this.#trace?.schedule(now, host, plan.slots[k], live, plan.computed[k], plan.kinds[k] !== KIND_NEW)
    }
  }

  /** Answers with the requests that ended; valid until the next step. */
  stepped(
    now: Micros,
    host: EngineHost,
    tokens: Tokens,
    outcome: StepOutcome,
    stepUs: Micros,
  ): readonly LiveRequest[] {
    this.#lastProgressUs = now
    // Setting a length is a call into the runtime, and most steps end nothing.
    if (this.#ended.length > 0) this.#ended.length = 0
    if (this.#tracesSteps) this.#traceTokens(now, host, outcome)
    this.#countTokens(now, host, outcome)
    host.model.computedTokens += tokens
    for (let i = 0; i < outcome.finishedCount; i++)
      this.#finish(now, host, outcome.finishedSlots[i], finishReasons[outcome.finishedReasons[i]])
    this.book.stepped(now, host, tokens, stepUs)
    return this.#ended
  }

  /** Gaps of one step are mostly equal: runs of equal ones are added at once. */
  #countTokens(now: Micros, host: EngineHost, outcome: StepOutcome): void {
    const { lastTokenUs } = host
    const { itl } = host.model
    let run = 0
    let runGap = -1
    for (let i = 0; i < outcome.tokenCount; i++) {
      const slot = outcome.tokenSlots[i]
      const last = lastTokenUs[slot]
      lastTokenUs[slot] = now
      if (last < 0) {
        this.#firstToken(now, host.live(slot))
        continue
      }
      const gap = now - last
      if (gap !== runGap) {
        if (run > 0) itl.add(runGap, run)
        runGap = gap
        run = 0
      }
      run++
    }
    if (run > 0) itl.add(runGap, run)
  }

  #firstToken(now: Micros, live: LiveRequest): void {
    live.ttftUs = now - live.record.arrivalUs
    live.model.ttft.add(live.ttftUs)
    live.tenant?.ttft.add(live.ttftUs)
  }

  #traceTokens(now: Micros, host: EngineHost, outcome: StepOutcome): void {
    for (let i = 0; i < outcome.tokenCount; i++) {
      const slot = outcome.tokenSlots[i]
      const last = host.lastTokenUs[slot]
      const live = host.live(slot)
      live.outputTokens = host.machine.scheduler.outputTokens(slot)
      this.#trace?.decodeStep(now, host, live, last < 0 ? live.runStartUs : last)
    }
  }

  #finish(now: Micros, host: EngineHost, slot: number, reason: 'stop' | 'length'): void {
    const sequence = host.machine.scheduler.sequence(slot)
    const live = host.unbind(slot)
    live.outputTokens = sequence.outputTokens
    const { model, record, tenant } = live
    const e2eUs = now - record.arrivalUs
    const tpotUs = live.outputTokens > 1 ? (e2eUs - live.ttftUs) / (live.outputTokens - 1) : undefined
    this.#finished++
    this.#ended.push(live)
    model.finished++
    model.promptTokens += record.promptTokens
    model.outputTokens += live.outputTokens
    model.prefixHitTokens += Math.max(0, sequence.hitTokens)
    model.restoredTokens += sequence.restoredTokens
    model.e2e.add(e2eUs)
    if (tenant) {
      tenant.finished++
      tenant.e2e.add(e2eUs)
    }
    if (tpotUs !== undefined) model.tpot.add(tpotUs)
    const latency = { ttftUs: live.ttftUs, tpotUs, e2eUs }
    model.slo.finished(latency)
    this.#faults?.ended(now, record.arrivalUs, meetsSlo(model.plan.slo, latency))
    model.waiting.finished({ turnaroundUs: e2eUs, weight: weightOf(live) })
    model.waiting.ended(now)
    this.#release(live)
    if (!this.#tracesSteps) this.#trace?.decodeRun(now, host, live)
    this.#trace?.complete(now, host, live, reason)
  }

  preempted(now: Micros, host: EngineHost, slots: readonly number[], cause: PreemptionCause): void {
    for (const slot of slots) {
      const live = host.live(slot)
      live.preemptions++
      live.lastTokenUs = host.lastTokenUs[slot]
      live.outputTokens = host.machine.scheduler.outputTokens(slot)
      if (cause.kind === 'own') live.model.local++
      else live.model.victims++
      if (!this.#tracesSteps) this.#trace?.decodeRun(now, host, live)
      this.#trace?.preempt(now, host, live, cause, host.machine.scheduler.sequence(slot).lostTokens)
    }
    this.book.noteMemory(now, host)
  }

  #release(live: LiveRequest): void {
    if (live.replica) live.replica.outstanding--
  }

  // ── the cluster ─────────────────────────────────────────────────────────────────────────────────

  membership(now: Micros, host: EngineHost, kind: 'join' | 'leave'): void {
    this.#trace?.membership(now, host, kind)
  }

  /**
   * Whether nothing has been computed for so long, with requests waiting and none to come, that nothing ever will be. A
   * policy that lets engines hoard memory can end so; it is said in the summary's conditions.
   */
  isStuck(now: Micros): boolean {
    const stuck = !this.allEnded && now - Math.max(this.#lastProgressUs, this.#lastArrivalUs) > STUCK_AFTER_US
    if (stuck) this.book.conditions.add('stuck')
    return stuck
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────

  close(now: Micros, run: { readonly events: number; readonly interrupted: boolean }): SimulationResult {
    const { models, engines } = this.#cluster
    const { book } = this
    book.close(now)
    for (const model of models) model.slo.missed(model.unfinished)
    const faults = this.#faults?.summary(now)
    const facts = {
      ...run,
      nowUs: now,
      rounds: book.rounds,
      conditions: book.conditions,
      ...(faults ? { faults } : {}),
    }
    return {
      summary: summariseRun(
        {
          plan: this.#cluster.plan,
          models,
          tenants: [...this.#tenants.values()],
          engines,
          pools: book.pools,
        },
        facts,
      ),
      series: book.series(now),
      modelColumns: book.modelColumns,
      poolColumns: book.poolColumns,
      cdfs: models.map((model) => ({
        model: model.plan.name,
        ttftUs: empiricalCdf(model.ttft, CDF_POINTS),
        e2eUs: empiricalCdf(model.e2e, CDF_POINTS),
        queueUs: empiricalCdf(model.queue, CDF_POINTS),
      })),
      preemptions: book.preemptions,
    }
  }
}

/** A sequence runs again: counted as it begins, so that what never finishes counts as well. */
function noteRecomputed(host: EngineHost, slot: number, live: LiveRequest): void {
  const { recomputedTokens } = host.machine.scheduler.sequence(slot)
  live.model.recomputedTokens += recomputedTokens - live.recomputedTokens
  live.recomputedTokens = recomputedTokens
}

/** What a second of its time counts beside that of others. */
function weightOf({ model, tenant }: LiveRequest): number {
  return model.plan.terms.weight * (tenant?.plan.weight ?? 1)
}
