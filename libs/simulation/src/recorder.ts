import type {
  PreemptionDecision,
  RoundRecord,
  SimulatedSummary,
  TraceDetail,
  TraceRecord,
} from '@kvasir/contracts'
import { SUMMARY_VERSION } from '@kvasir/contracts'
import type { Replica } from '@kvasir/dispatch'
import type { PreemptionCause } from '@kvasir/engine-core'
import { invariant, type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import { SyntheticContent } from '@kvasir/kv-cache'
import {
  attainmentOfAll,
  CountingHistogram,
  empiricalCdf,
  jainOfShares,
  SampleSet,
  type Samples,
  summarise,
} from '@kvasir/metrics'
import {
  finishReasons,
  KIND_RESUMED,
  KIND_RUNNING,
  type SequenceInput,
  type StepOutcome,
  type StepPlan,
} from '@kvasir/scheduler'
import type { RequestRecord } from '@kvasir/workload'
import type { DeviceHost, EngineHost, PoolHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import { type LiveRequest, liveRequest } from './live-request.js'
import { ModelRecord } from './model-record.js'
import { PoolRecord } from './pool-record.js'
import type { PreemptionMatrix, SimulationResult } from './result.js'
import { Timeline } from './timeline.js'
import { TraceEmitter } from './trace-emitter.js'

/** Points of a CDF in the result: enough for a plot, few enough for a report. */
const CDF_POINTS = 200
const SAMPLE_EVERY_US: Micros = 500_000
/** Virtual time without a step after the last arrival that proves a run to be stuck: far beyond every lease and deadline. */
const STUCK_AFTER_US: Micros = 120 * MICROS_PER_SECOND

/**
 * Watches a simulation and keeps its books: requests, latencies, shares, preemptions, time series, trace. It changes
 * nothing. Hot path: `stepped` does a dozen loads and stores for each token.
 */
export class Recorder {
  readonly sampleEveryUs = SAMPLE_EVERY_US
  readonly #plan: ClusterPlan
  readonly #engines: readonly EngineHost[]
  readonly #models = new Map<string, ModelRecord>()
  readonly #pools: readonly PoolRecord[]
  readonly #timeline: Timeline
  readonly #trace: TraceEmitter | undefined
  readonly #tracesSteps: boolean
  readonly #matrix: number[][]
  readonly #conditions = new Set<string>()
  readonly #open = new Map<string, string>()
  #submitted = 0
  #finished = 0
  #rejected = 0
  #rounds = 0
  #lastProgressUs: Micros = 0
  #firstArrivalUs: Micros = Infinity
  #lastArrivalUs: Micros = 0
  #lastEndUs: Micros = -Infinity

  constructor(
    cluster: {
      readonly plan: ClusterPlan
      readonly models: readonly ModelRecord[]
      readonly engines: readonly EngineHost[]
      readonly devices: readonly DeviceHost[]
    },
    options: { readonly trace?: (record: TraceRecord) => void; readonly traceDetail: TraceDetail },
  ) {
    const { plan } = cluster
    this.#plan = plan
    this.#engines = cluster.engines
    for (const model of cluster.models) this.#models.set(model.plan.name, model)
    this.#pools = cluster.devices.map((device) => new PoolRecord(device.plan))
    this.#timeline = new Timeline(
      plan.models.map((model) => model.name),
      plan.pools.map((pool) => pool.id),
    )
    this.#trace = options.trace ? new TraceEmitter(options.trace) : undefined
    this.#tracesSteps = options.traceDetail === 'step'
    this.#matrix = plan.models.map(() => plan.models.map(() => 0))
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
    this.#firstArrivalUs = Math.min(this.#firstArrivalUs, now)
    this.#lastArrivalUs = now
    const live = liveRequest(record, this.#submitted, model, replica)
    this.#trace?.enqueue(now, live)
    return live
  }

  /** What the engine is told of the request. */
  sequenceOf(live: LiveRequest): SequenceInput {
    const { record, model } = live
    return {
      id: record.id,
      promptTokens: record.promptTokens,
      maxOutputTokens: record.outputTokens,
      priority: record.priority + model.plan.terms.priority,
      arrivalUs: record.arrivalUs,
      ...(record.deadlineUs === undefined ? {} : { deadlineUs: record.deadlineUs }),
      ...(record.tenant === undefined ? {} : { tenant: record.tenant }),
      content: new SyntheticContent({
        uniqueSeed: live.ordinal,
        prefixBlocks: record.prefixBlocks ?? [],
        prefixBlockTokens: record.prefixBlockTokens || 1,
        prefixTokens: record.promptTokens,
      }),
    }
  }

  accepted(_now: Micros, host: EngineHost, slot: number): void {
    const live = host.arriving
    invariant(live !== undefined, () => `${host.plan.id} accepted a request that nobody sent`)
    host.arriving = undefined
    host.bind(slot, live)
  }

  refused(now: Micros, host: EngineHost, reason: string, detail: string): void {
    const live = host.arriving
    invariant(live !== undefined, () => `${host.plan.id} refused a request that nobody sent`)
    host.arriving = undefined
    this.rejected(now, live, reason, detail)
  }

  rejected(now: Micros, live: LiveRequest, reason: string, detail: string): void {
    const { model } = live
    this.#rejected++
    model.rejected++
    model.rejectedBy.set(reason, (model.rejectedBy.get(reason) ?? 0) + 1)
    model.slo.missed()
    model.waiting.ended(now)
    this.#lastEndUs = now
    this.#release(live)
    this.#trace?.reject(now, live, reason, detail)
  }

  /** A sequence ended without being finished: its engine left. */
  ended(now: Micros, host: EngineHost, slot: number, reason: string): void {
    const live = host.unbind(slot)
    live.outputTokens = host.machine.scheduler.outputTokens(slot)
    if (!this.#tracesSteps) this.#trace?.decodeRun(now, host, live)
    this.rejected(now, live, reason, `engine ${host.plan.id} ended it`)
  }

  planned(now: Micros, host: EngineHost, plan: StepPlan): void {
    host.step++
    for (let k = plan.count - 1; k >= 0 && plan.kinds[k] !== KIND_RUNNING; k--) {
      const live = host.live(plan.slots[k])
      if (live.queueUs < 0) {
        live.queueUs = now - live.record.arrivalUs
        live.model.queue.add(live.queueUs)
        live.model.waiting.started({ waitUs: live.queueUs, weight: live.model.plan.terms.weight })
      }
      live.runStartUs = now
      live.runStartTokens = host.machine.scheduler.outputTokens(plan.slots[k])
      this.#trace?.schedule(now, host, plan.slots[k], live, plan.computed[k], plan.kinds[k] === KIND_RESUMED)
    }
  }

  stepStarted(host: EngineHost, stepUs: Micros, share: number): void {
    const pool = this.#pools[host.device.index]
    pool.busyUs += stepUs * share
    pool.steps++
    pool.stepTime.add(stepUs)
  }

  stepped(now: Micros, host: EngineHost, plan: StepPlan, outcome: StepOutcome, stepUs: Micros): void {
    this.#lastProgressUs = now
    const pool = this.#pools[host.device.index]
    pool.stepTokens += plan.totalTokens
    host.servedTokens += plan.totalTokens
    this.#timeline.stepped(now, host.modelIndex, host.device.index, {
      tokens: plan.totalTokens,
      busyUs: stepUs,
    })
    if (this.#tracesSteps) this.#traceTokens(now, host, outcome)
    this.#countTokens(now, host, outcome)
    for (let i = 0; i < outcome.finishedCount; i++)
      this.#finish(now, host, outcome.finishedSlots[i], finishReasons[outcome.finishedReasons[i]])
    this.#noteMemory(now, host)
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
    const { model, record } = live
    const e2eUs = now - record.arrivalUs
    const tpotUs = live.outputTokens > 1 ? (e2eUs - live.ttftUs) / (live.outputTokens - 1) : undefined
    this.#finished++
    model.finished++
    model.promptTokens += record.promptTokens
    model.outputTokens += live.outputTokens
    model.prefixHitTokens += Math.max(0, sequence.hitTokens)
    model.recomputedTokens += sequence.recomputedTokens
    model.e2e.add(e2eUs)
    if (tpotUs !== undefined) model.tpot.add(tpotUs)
    model.slo.finished({ ttftUs: live.ttftUs, tpotUs, e2eUs })
    model.waiting.ended(now)
    this.#lastEndUs = now
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
    this.#noteMemory(now, host)
  }

  #release(live: LiveRequest): void {
    if (live.replica) live.replica.outstanding--
  }

  // ── the cluster ─────────────────────────────────────────────────────────────────────────────────

  membership(now: Micros, host: EngineHost, kind: 'join' | 'leave'): void {
    this.#trace?.membership(now, host, kind)
  }

  round(now: Micros, host: PoolHost, record: RoundRecord): void {
    this.#rounds++
    for (const condition of record.conditions) this.#conditions.add(condition)
    const rounds = Math.max(1, record.round - host.lastRound)
    host.lastRound = record.round
    for (const share of record.shares) {
      const engine = host.engines.get(share.engine)
      if (!engine) continue
      if (share.demandTokens > 0) engine.idealTokens += share.idealTokens * rounds
      if (share.tokens !== engine.budgetTokens) this.#trace?.budget(now, engine, record.round, share)
      if (share.leaseBundles !== engine.leaseBundles) this.#trace?.lease(now, engine, share)
      engine.budgetTokens = share.tokens
      engine.leaseBundles = share.leaseBundles
    }
  }

  decided(now: Micros, host: PoolHost, decision: PreemptionDecision): void {
    const engine = host.engines.get(decision.engine)
    invariant(
      engine !== undefined,
      () => `a decision for ${decision.engine}, which is not in pool ${host.plan.id}`,
    )
    const { model } = engine
    if (!this.#open.has(decision.id)) {
      model.brokered++
      this.#trace?.preemptionRequest(now, engine, decision)
    }
    this.#trace?.preemptionOutcome(now, engine, decision)
    if (decision.outcome === 'planned') {
      this.#open.set(decision.id, decision.engine)
      for (const donation of decision.donations) {
        const donor = host.engines.get(donation.engine)
        if (donor && donation.class !== 'free')
          this.#matrix[engine.modelIndex][donor.modelIndex] += donation.bundles
      }
      return
    }
    this.#open.delete(decision.id)
    model.preemptionEnded(decision)
  }

  #noteMemory(now: Micros, host: EngineHost): void {
    const inUse = host.machine.pool.bundlesInUse
    if (inUse === host.inUseBundles) return
    this.#pools[host.device.index].inUse.add(now, inUse - host.inUseBundles)
    host.inUseBundles = inUse
  }

  sample(now: Micros): void {
    const levels = this.#plan.models.map(() => ({
      budgetTokens: 0,
      leaseBundles: 0,
      inUseBundles: 0,
      waiting: 0,
      running: 0,
    }))
    for (const host of this.#engines) {
      const { scheduler, pool } = host.machine
      const level = levels[host.modelIndex]
      level.budgetTokens += host.budgetTokens
      level.leaseBundles += Math.min(host.machine.lease.bundles(now), host.device.plan.bundles)
      level.inUseBundles += pool.bundlesInUse
      level.waiting += scheduler.waitingCount
      level.running += scheduler.runningCount
      const fragmentation = scheduler.fragmentation()
      if (fragmentation.heldSlots === 0) continue
      const record = this.#pools[host.device.index]
      record.internal += fragmentation.internal
      record.bundle += fragmentation.bundle
      record.samples++
    }
    levels.forEach((level, model) => this.#timeline.setModel(now, model, level))
    this.#pools.forEach((pool, i) => this.#timeline.setPool(now, i, pool.inUse.value))
  }

  /**
   * Whether nothing has been computed for so long, with requests waiting and none to come, that nothing ever will be. A
   * policy that lets engines hoard memory can end so; it is said in the summary's conditions.
   */
  isStuck(now: Micros): boolean {
    const stuck = !this.allEnded && now - Math.max(this.#lastProgressUs, this.#lastArrivalUs) > STUCK_AFTER_US
    if (stuck) this.#conditions.add('stuck')
    return stuck
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────

  close(now: Micros, run: { readonly events: number; readonly interrupted: boolean }): SimulationResult {
    for (const host of this.#engines)
      host.model.served.set(host.plan.id, { served: host.servedTokens, ideal: host.idealTokens })
    const models = [...this.#models.values()]
    for (const model of models) model.slo.missed(model.unfinished)
    return {
      summary: this.#summary(now, models, run),
      series: this.#timeline.table(now),
      modelColumns: this.#timeline.modelColumns,
      poolColumns: this.#timeline.poolColumns,
      cdfs: models.map((model) => ({
        model: model.plan.name,
        ttftUs: empiricalCdf(model.ttft, CDF_POINTS),
        e2eUs: empiricalCdf(model.e2e, CDF_POINTS),
        queueUs: empiricalCdf(model.queue, CDF_POINTS),
      })),
      preemptions: this.#preemptionMatrix(),
    }
  }

  #preemptionMatrix(): PreemptionMatrix {
    return { models: this.#plan.models.map((model) => model.name), bundles: this.#matrix }
  }

  #summary(
    now: Micros,
    models: readonly ModelRecord[],
    run: { readonly events: number; readonly interrupted: boolean },
  ): SimulatedSummary {
    const summaries = models.map((model) =>
      model.summary(now, this.#engines.filter((host) => host.model === model).length),
    )
    const sum = (pick: (summary: (typeof summaries)[number]) => number) =>
      summaries.reduce((total, summary) => total + pick(summary), 0)
    return {
      version: SUMMARY_VERSION,
      scenario: this.#plan.name,
      seed: this.#plan.seed,
      policy: this.#plan.policy,
      requests: {
        submitted: this.#submitted,
        finished: this.#finished,
        rejected: this.#rejected,
        unfinished: this.#submitted - this.#finished - this.#rejected,
        rejectedBy: addUp(summaries.map((summary) => summary.requests.rejectedBy)),
      },
      tokens: {
        prompt: sum((summary) => summary.tokens.prompt),
        output: sum((summary) => summary.tokens.output),
        recomputed: sum((summary) => summary.tokens.recomputed),
        prefixHit: sum((summary) => summary.tokens.prefixHit),
      },
      ttftUs: summarise(merged(models.map((model) => model.ttft))),
      tpotUs: summarise(merged(models.map((model) => model.tpot))),
      itlUs: summarise(mergedHistograms(models.map((model) => model.itl))),
      e2eUs: summarise(merged(models.map((model) => model.e2e))),
      queueUs: summarise(merged(models.map((model) => model.queue))),
      sloAttainment: attainmentOfAll(models.map((model) => model.slo)) ?? null,
      goodputPerS: sum((summary) => summary.goodputPerS),
      jain:
        jainOfShares(this.#engines.map((host) => ({ served: host.servedTokens, ideal: host.idealTokens }))) ??
        null,
      weightedWaitUs: sum((summary) => summary.weightedWaitUs),
      makespanUs: Math.max(0, this.#lastEndUs - this.#firstArrivalUs),
      preemptions: {
        brokered: sum((summary) => summary.preemptions.brokered),
        granted: sum((summary) => summary.preemptions.granted),
        partial: sum((summary) => summary.preemptions.partial),
        denied: sum((summary) => summary.preemptions.denied),
        expired: sum((summary) => summary.preemptions.expired),
        pending: sum((summary) => summary.preemptions.pending),
        deniedBy: addUp(summaries.map((summary) => summary.preemptions.deniedBy)),
        bundles: sum((summary) => summary.preemptions.bundles),
        victims: sum((summary) => summary.preemptions.victims),
        local: sum((summary) => summary.preemptions.local),
      },
      simulatedUs: now,
      events: run.events,
      rounds: this.#rounds,
      interrupted: run.interrupted,
      conditions: [...this.#conditions].sort(),
      models: Object.fromEntries(summaries.map((summary, i) => [models[i].plan.name, summary])),
      pools: Object.fromEntries(
        this.#pools.map((pool) => {
          const engines = this.#engines
            .filter((host) => host.plan.pool === pool.plan.id)
            .map((host) => host.plan.id)
          return [pool.plan.id, pool.summary(now, engines)]
        }),
      ),
    }
  }
}

function merged(sets: readonly SampleSet[]): Samples {
  if (sets.length === 1) return sets[0]
  const all = new SampleSet()
  for (const set of sets) all.merge(set)
  return all
}

function mergedHistograms(histograms: readonly CountingHistogram[]): Samples {
  if (histograms.length === 1) return histograms[0]
  const all = new CountingHistogram()
  for (const histogram of histograms) all.merge(histogram)
  return all
}

function addUp(counts: readonly Readonly<Record<string, number | undefined>>[]): Record<string, number> {
  const total = new Map<string, number>()
  for (const count of counts)
    for (const [key, value] of Object.entries(count)) total.set(key, (total.get(key) ?? 0) + (value ?? 0))
  return Object.fromEntries([...total].sort())
}
