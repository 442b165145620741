import type { PreemptionDecision, RoundRecord } from '@kvasir/contracts'
import { invariant, type Micros } from '@kvasir/kernel'
import type { SeriesTable } from '@kvasir/metrics'
import type { RequestRecord } from '@kvasir/workload'
import type { DeviceHost, EngineHost, PoolHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import { PoolRecord } from './pool-record.js'
import type { ModelColumns, PoolColumns, PreemptionMatrix } from './result.js'
import { Timeline } from './timeline.js'
import type { TraceEmitter } from './trace-emitter.js'

/** What a run remembers of budgets, leases, preemptions and devices. */
export class ClusterBook {
  readonly pools: readonly PoolRecord[]
  readonly conditions = new Set<string>()
  rounds = 0
  readonly #plan: ClusterPlan
  readonly #engines: readonly EngineHost[]
  readonly #timeline: Timeline
  readonly #trace: TraceEmitter | undefined
  /** Preemption requests that donors are working on. */
  readonly #open = new Set<string>()
  /** `bundles[requester][donor]`, by model. */
  readonly #matrix: number[][]

  constructor(
    cluster: {
      readonly plan: ClusterPlan
      readonly engines: readonly EngineHost[]
      readonly devices: readonly DeviceHost[]
    },
    trace: TraceEmitter | undefined,
  ) {
    const { plan, devices } = cluster
    this.#plan = plan
    this.#engines = cluster.engines
    this.#trace = trace
    this.pools = devices.map((device) => new PoolRecord(device.plan))
    this.#timeline = new Timeline(
      plan.models.map((model) => model.name),
      plan.pools.map((pool) => pool.id),
    )
    this.#matrix = plan.models.map(() => plan.models.map(() => 0))
  }

  get modelColumns(): readonly ModelColumns[] {
    return this.#timeline.modelColumns
  }

  get poolColumns(): readonly PoolColumns[] {
    return this.#timeline.poolColumns
  }

  get preemptions(): PreemptionMatrix {
    return { models: this.#plan.models.map((model) => model.name), bundles: this.#matrix }
  }

  series(now: Micros): SeriesTable {
    return this.#timeline.table(now)
  }

  // ── devices ─────────────────────────────────────────────────────────────────────────────────────

  /** By the device: its engine may have left since. */
  stepEnded(host: EngineHost, stepUs: Micros): void {
    const pool = this.pools[host.device.index]
    pool.busyUs += stepUs * host.share
    pool.steps++
    pool.stepTime.add(stepUs)
  }

  stepped(now: Micros, host: EngineHost, tokens: number, busyUs: Micros): void {
    this.pools[host.device.index].stepTokens += tokens
    if (host.pool.contended) host.servedTokens += tokens
    this.#timeline.served(now, host.modelIndex, tokens)
    this.#timeline.worked(now, host.device.index, busyUs * host.share)
    this.noteMemory(now, host)
  }

  noteMemory(now: Micros, host: EngineHost): void {
    const inUse = host.machine.pool.bundlesInUse
    if (inUse === host.inUseBundles) return
    this.pools[host.device.index].inUse.add(now, inUse - host.inUseBundles)
    host.inUseBundles = inUse
  }

  // ── owners ──────────────────────────────────────────────────────────────────────────────────────

  /**
   * A share counts for as long as it held, and only while more was demanded than there was: without contention everybody gets
   * what it asks for, whatever the policy.
   */
  round(now: Micros, host: PoolHost, record: RoundRecord): void {
    this.rounds++
    for (const condition of record.conditions) this.conditions.add(condition)
    this.#accrue(now, host)
    host.contended = record.contended
    for (const share of record.shares) {
      const engine = host.engines.get(share.engine)
      if (!engine) continue
      if (share.tokens !== engine.budgetTokens) this.#trace?.budget(now, engine, record.round, share)
      if (share.leaseBundles !== engine.leaseBundles) this.#trace?.lease(now, engine, share)
      engine.idealPerRound = share.demandTokens > 0 ? share.idealTokens : 0
      engine.budgetTokens = share.tokens
      engine.leaseBundles = share.leaseBundles
    }
  }

  /** Shares that hold to the end count to the end. */
  close(now: Micros): void {
    for (const host of new Set(this.#engines.map((engine) => engine.pool))) this.#accrue(now, host)
  }

  #accrue(now: Micros, host: PoolHost): void {
    const rounds = (now - host.dividedUs) / this.#plan.settings.roundUs
    host.dividedUs = now
    if (!host.contended) return
    for (const engine of host.engines.values()) engine.idealTokens += engine.idealPerRound * rounds
  }

  decided(now: Micros, host: PoolHost, decision: PreemptionDecision): void {
    const engine = host.engines.get(decision.engine)
    invariant(
      engine !== undefined,
      () => `a decision for ${decision.engine}, which is not in pool ${host.plan.id}`,
    )
    if (!this.#open.has(decision.id)) {
      engine.model.brokered++
      this.#trace?.preemptionRequest(now, engine, decision)
    }
    this.#trace?.preemptionOutcome(now, engine, decision)
    if (decision.outcome !== 'planned') {
      this.#open.delete(decision.id)
      engine.model.preemptionEnded(decision)
      return
    }
    this.#open.add(decision.id)
    for (const donation of decision.donations) {
      const donor = host.engines.get(donation.engine)
      if (donor && donation.class !== 'free')
        this.#matrix[engine.modelIndex][donor.modelIndex] += donation.bundles
    }
  }

  // ── over time ───────────────────────────────────────────────────────────────────────────────────

  arrived(now: Micros, host: EngineHost, record: RequestRecord): void {
    host.traffic.note(now, record)
    this.pools[host.device.index].queue.arrived()
  }

  sample(now: Micros): void {
    const levels = this.#plan.models.map(() => ({
      budgetTokens: 0,
      leaseBundles: 0,
      inUseBundles: 0,
      waiting: 0,
      running: 0,
    }))
    const idleBundles = this.pools.map(() => 0)
    const waiting = this.pools.map(() => 0)
    for (const host of this.#engines) {
      const { scheduler, pool, lease } = host.machine
      const level = levels[host.modelIndex]
      level.budgetTokens += host.budgetTokens
      level.leaseBundles += Math.min(lease.bundles(now), host.device.plan.bundles)
      level.inUseBundles += pool.bundlesInUse
      level.waiting += scheduler.waitingCount
      level.running += scheduler.runningCount
      idleBundles[host.device.index] += pool.freeBundles
      waiting[host.device.index] += scheduler.waitingCount
      const { heldSlots, internal, bundle } = scheduler.fragmentation()
      if (heldSlots > 0)
        this.pools[host.device.index].noteFragmentation({ internal, bundle, edge: host.bundleEdge })
    }
    levels.forEach((level, model) => this.#timeline.setModel(now, model, level))
    this.pools.forEach((pool, i) => {
      pool.noteIdle(idleBundles[i])
      pool.queue.sampled(now, waiting[i])
      this.#timeline.setPool(now, i, pool.inUse.value)
    })
  }
}
