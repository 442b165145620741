import type { DecisionRecord, TraceDetail, TraceRecord } from '@kvasir/contracts'
import {
  ClusterMachine,
  type ClusterMachineInput,
  type PoolEffect,
  type PoolInput,
  recordOf,
} from '@kvasir/coordinator-core'
import type { EngineInput } from '@kvasir/engine-core'
import { EventHeap, invariant, type Micros } from '@kvasir/kernel'
import type { RequestStream } from '@kvasir/workload'
import { buildCluster, type DeviceHost, type EngineHost, type PoolHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import { CostTables } from './cost-tables.js'
import { EventClass } from './event-class.js'
import { FaultBook, type FaultRecord } from './faults/fault-book.js'
import { Faults } from './faults/faults.js'
import type { FaultWorld } from './faults/fault-world.js'
import { GroupLines, type LineWorld } from './group-lines.js'
import { GroupRuns, type GroupWorld } from './group-runs.js'
import type { Letter } from './letter.js'
import { ModelRecord } from './model-record.js'
import { Network } from './network.js'
import { Recorder } from './recorder.js'
import { RequestPath, type RequestWorld } from './request-path.js'
import type { LiveRequest } from './live-request.js'
import type { SimulationResult } from './result.js'
import { Slab } from './slab.js'
import type { UserGroup } from './user-loop.js'

export interface SimulationOptions {
  /** Each request's `model` names a model of the plan. */
  readonly requests: RequestStream
  /** Requests that wait for the end of others. */
  readonly users?: readonly UserGroup[]
  /** Stop there; what has not ended is `unfinished`. */
  readonly untilUs?: Micros
  /** Tables that other simulations have made or will use; its own when absent. */
  readonly costs?: CostTables
  readonly trace?: (record: TraceRecord) => void
  readonly traceDetail?: TraceDetail
  /** The lines of the decision log, in the order in which they were decided. */
  readonly decisions?: (record: DecisionRecord) => void
  /** Called after every event, with the whole cluster in view: the laws that no single machine can see. */
  readonly inspect?: (simulation: Simulation) => void
}

/**
 * Hosts the machines of a whole cluster in virtual time: one event heap, message delays, seeded chance. It decides nothing
 * itself; it does what a live driver does, only the clock is its own.
 */
export class Simulation {
  readonly plan: ClusterPlan
  readonly engines: readonly EngineHost[]
  readonly devices: readonly DeviceHost[]
  readonly pools: readonly PoolHost[]
  readonly cluster: ClusterMachine | undefined
  #options: SimulationOptions
  #heap = new EventHeap()
  #letters = new Slab<Letter>()
  #requests: RequestPath
  #network: Network
  #groups: GroupRuns
  /** To groups in other processes, where a plan has such. */
  #lines: GroupLines
  #engineByName = new Map<string, EngineHost>()
  #recorder: Recorder
  /** Of a plan in which something breaks. */
  #faults: Faults | undefined
  #acts = new Slab<() => void>()
  #now: Micros = 0
  #clusterArmedUs: Micros = Infinity
  #events = 0
  #over = false
  #result: SimulationResult | undefined

  constructor(plan: ClusterPlan, options: SimulationOptions) {
    this.plan = plan
    this.#options = options
    const models = plan.models.map((model) => new ModelRecord(model))
    const cluster = buildCluster(plan, models, options.costs ?? new CostTables())
    this.devices = cluster.devices
    this.pools = cluster.pools
    this.engines = cluster.engines
    if (plan.clusterShares)
      this.cluster = new ClusterMachine({ epoch: 1, gatherUs: plan.settings.roundUs / 2 })
    this.#network = new Network({
      ...plan.network,
      seed: plan.seed,
      links: 2 * (plan.engines.length + plan.pools.length),
    })
    this.#groups = new GroupRuns(this.#groupWorld())
    this.#lines = new GroupLines(this.#lineWorld(), this.engines.length)
    for (const engine of this.engines) this.#engineByName.set(engine.plan.id, engine)
    const faultBook = plan.faults?.length ? new FaultBook() : undefined
    this.#recorder = new Recorder(
      { plan, models, engines: this.engines, devices: this.devices },
      {
        ...(options.trace ? { trace: options.trace } : {}),
        ...(faultBook ? { faults: faultBook } : {}),
        traceDetail: options.traceDetail ?? 'run',
      },
    )
    this.#requests = new RequestPath(this.#requestWorld(), options)
    for (const device of this.devices) device.machine.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
    for (const engine of this.engines) {
      this.#heap.push(engine.plan.joinUs, EventClass.Membership, engine.index)
      if (engine.plan.leaveUs !== undefined)
        this.#heap.push(engine.plan.leaveUs, EventClass.Membership, engine.index)
    }
    this.#heap.push(0, EventClass.Sample, 0)
    this.#faults = faultBook && new Faults(this.#faultWorld(), faultBook)
    this.#requests.start()
  }

  get nowUs(): Micros {
    return this.#now
  }

  get events(): number {
    return this.#events
  }

  get requests(): { readonly submitted: number; readonly finished: number; readonly rejected: number } {
    return this.#recorder.requests
  }

  /** Runs at most `maxEvents` events; true when every request has ended, or `untilUs` is reached. */
  run(maxEvents: number): boolean {
    const untilUs = this.#options.untilUs ?? Infinity
    const { inspect } = this.#options
    for (let i = 0; i < maxEvents && !this.#over; i++) {
      if (this.#heap.peekTime() > untilUs) {
        this.#over = true
        this.#now = untilUs
        break
      }
      const payload = this.#heap.pop()
      this.#now = this.#heap.time
      this.#events++
      this.#handle(this.#heap.eventClass, payload)
      if (inspect) inspect(this)
    }
    return this.#over
  }

  /** Closes the books; after the run is over, or when it was interrupted. */
  result(): SimulationResult {
    this.#result ??= this.#recorder.close(this.#now, {
      events: this.#events,
      interrupted: !this.#recorder.allEnded,
    })
    return this.#result
  }

  #groupWorld(): GroupWorld {
    return {
      heap: this.#heap,
      now: () => this.#now,
      host: (engine) => this.#host(engine),
      tell: (now, engine, input) => {
        if (engine.model.plan.remoteGroup !== undefined) this.#lines.answer(engine, input)
        else if (!engine.dead) this.#engineAt(now, engine, input)
      },
      submitLate: (engine) => this.#requests.submitLate(engine),
      stepEnded: (engine, stepUs) => this.#recorder.book.stepEnded(engine, stepUs),
    }
  }

  #lineWorld(): LineWorld {
    return {
      heap: this.#heap,
      now: () => this.#now,
      command: (engine, command) => this.#groups.command(this.#now, engine, command),
      tell: (engine, input) => this.#engine(engine, input),
    }
  }

  #faultWorld(): FaultWorld {
    const { plan, engines, devices, pools } = this
    return {
      plan,
      engines,
      devices,
      pools,
      groups: this.#groups,
      now: () => this.#now,
      at: (us, act) => this.#heap.push(us, EventClass.Fault, this.#acts.put(act)),
      perform: (pool, effects) => this.#performPool(pool, effects),
      tellPool: (pool, input) => this.#pool(pool, input),
      start: (engine) => this.#start(engine),
      serve: (engine, serving) => this.#requests.serve(engine, serving),
      abandon: (engine, record) => this.#abandon(engine, record),
      send: (live) => this.#requests.sendAgain(live),
      reject: (live, reason, detail) => this.#requests.reject(live, reason, detail),
    }
  }

  #requestWorld(): RequestWorld {
    return {
      plan: this.plan,
      heap: this.#heap,
      recorder: this.#recorder,
      now: () => this.#now,
      faults: () => this.#faults,
      host: (engine) => this.#host(engine),
      tell: (engine, input) => this.#engine(engine, input),
      allEnded: () => {
        this.#over = true
      },
    }
  }

  #handle(eventClass: number, payload: number): void {
    switch (eventClass) {
      case EventClass.StepEnd:
        return this.#groups.stepEnded(this.engines[payload])
      case EventClass.CopyEnd:
        return this.#groups.copyEnded(payload)
      case EventClass.GroupWord:
        return this.#lines.arrives(payload)
      case EventClass.ToEngine:
      case EventClass.ToPool:
        return this.#deliver(this.#letters.take(payload))
      case EventClass.Fault:
        return this.#acts.take(payload)()
      case EventClass.Membership:
        return this.#membership(this.engines[payload])
      case EventClass.Arrival:
        return this.#requests.arrives(payload)
      case EventClass.Submit:
        return this.#requests.submitted(payload)
      case EventClass.WakeCluster:
        return this.#wakeCluster()
      case EventClass.WakePool:
        return this.#wakePool(this.pools[payload])
      case EventClass.WakeEngine:
        return this.#wakeEngine(this.engines[payload])
      case EventClass.Sample:
        return this.#sample()
    }
  }

  // ── machines ────────────────────────────────────────────────────────────────────────────────────

  #engine(host: EngineHost, input: EngineInput): void {
    this.#engineAt(this.#now, host, input)
  }

  /** Hot path: an index is cheaper than an iterator, and the time is read once, for each reading makes a number anew. */
  #engineAt(now: Micros, host: EngineHost, input: EngineInput): void {
    const effects = host.machine.step(now, input)
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i]
      switch (effect.kind) {
        case 'send':
          this.#post(
            { kind: 'message', pool: host.pool, message: effect.message },
            EventClass.ToPool,
            2 * host.index,
          )
          break
        case 'device':
          if (host.model.plan.remoteGroup === undefined) this.#groups.command(now, host, effect.command)
          else this.#lines.send(host, effect.command)
          break
        case 'accepted':
          this.#recorder.accepted(now, host, effect.slot)
          break
        case 'refused': {
          const live = this.#recorder.refused(now, host, effect.reason, effect.detail)
          this.#requests.ended(live, 'refused')
          break
        }
        case 'planned':
          this.#recorder.planned(now, host, effect.plan)
          break
        case 'stepped': {
          const { tokens, outcome, startedUs, finishedUs } = effect
          const ended = this.#recorder.stepped(now, host, tokens, outcome, finishedUs - startedUs)
          for (const live of ended) this.#requests.ended(live, 'served')
          break
        }
        case 'preempted':
          this.#recorder.preempted(now, host, effect.slots, effect.cause)
          break
        case 'ended': {
          const live = this.#recorder.ended(now, host, effect.slot, effect.reason)
          this.#requests.ended(live, 'refused')
          break
        }
        case 'outcome':
          break
      }
    }
    this.#armEngine(host)
  }

  #pool(host: PoolHost, input: PoolInput): void {
    this.#performPool(host, host.machine.step(this.#now, input))
  }

  #performPool(host: PoolHost, effects: readonly PoolEffect[]): void {
    for (let i = 0; i < effects.length; i++) {
      const effect = effects[i]
      switch (effect.kind) {
        case 'document': {
          const engine = this.#host(effect.document.engine)
          this.#post(
            { kind: 'document', engine, document: effect.document },
            EventClass.ToEngine,
            2 * engine.index + 1,
          )
          break
        }
        case 'decision':
          this.#recorder.book.decided(this.#now, host, effect.decision)
          break
        case 'round':
          this.#recorder.book.round(this.#now, host, effect.record)
          break
        case 'log':
          this.#options.decisions?.(recordOf(effect.origin, effect.decision))
          break
        case 'evict':
          this.#groups.device(host.device, {
            kind: 'close',
            engine: effect.engine,
            incarnation: effect.incarnation,
          })
          this.#faults?.deviceWasTold(host)
          break
        case 'report':
          this.#post(effect, EventClass.ToPool, this.#clusterLink(host))
          break
      }
    }
    this.#armPool(host)
  }

  #tellCluster(input: ClusterMachineInput): void {
    for (const effect of this.cluster?.step(this.#now, input) ?? []) {
      if (effect.kind !== 'shares') continue
      const { document } = effect
      const pool = this.pools.find(({ plan }) => plan.id === document.pool)
      invariant(pool !== undefined, () => `shares for pool ${document.pool}, which the plan does not have`)
      this.#post({ kind: 'shares', pool, document }, EventClass.ToPool, this.#clusterLink(pool) + 1)
    }
    this.#armCluster()
  }

  /** Link of a pool to the cluster's owner; the next one leads back. */
  #clusterLink(pool: PoolHost): number {
    return 2 * (this.engines.length + pool.index)
  }

  #membership(engine: EngineHost): void {
    if (engine.joined) {
      this.#requests.serve(engine, false)
      this.#recorder.membership(this.#now, engine, 'leave')
      if (!engine.dead) this.#engine(engine, { kind: 'stop' })
      return
    }
    engine.joined = true
    if (this.#faults?.joins(engine) === false) return
    this.#requests.serve(engine, true)
    this.#recorder.membership(this.#now, engine, 'join')
    this.#engine(engine, { kind: 'start' })
  }

  /** A run of an engine that has ended before begins; requests are sent to it when it has a lease. */
  #start(engine: EngineHost): void {
    engine.dead = false
    this.#recorder.membership(this.#now, engine, 'join')
    this.#engine(engine, { kind: 'start' })
  }

  /** An engine's process is gone: what has begun to stream is lost, and the rest can go to others. */
  #abandon(engine: EngineHost, record: FaultRecord | undefined): readonly LiveRequest[] {
    this.#requests.serve(engine, false)
    const again = engine.late
    for (const slot of engine.machine.scheduler.slots()) {
      const { live, streamed } = this.#recorder.lost(this.#now, engine, slot)
      if (!streamed) again.push(live)
      else {
        if (record) record.lost++
        this.#requests.ended(live, 'refused')
      }
    }
    for (const live of again) this.#recorder.recalled(live)
    engine.dead = true
    engine.forget()
    this.#recorder.book.noteMemory(this.#now, engine)
    this.#recorder.membership(this.#now, engine, 'leave')
    return again
  }

  #host(name: string): EngineHost {
    const host = this.#engineByName.get(name)
    invariant(host !== undefined, () => `unknown engine ${name}`)
    return host
  }

  // ── messages and timers ─────────────────────────────────────────────────────────────────────────

  #post(letter: Letter, eventClass: EventClass, link: number): void {
    this.#heap.push(this.#network.arrival(this.#now, link), eventClass, this.#letters.put(letter))
  }

  #deliver(letter: Letter): void {
    if (this.#faults?.intercepts(letter)) return
    if (letter.kind === 'document') this.#hearDocument(letter)
    else if (letter.kind === 'message') this.#pool(letter.pool, { kind: 'message', message: letter.message })
    else if (letter.kind === 'report') this.#tellCluster(letter)
    else this.#pool(letter.pool, { kind: 'shares', document: letter.document })
  }

  #hearDocument({ engine, document }: Extract<Letter, { kind: 'document' }>): void {
    if (!engine.dead) this.#engine(engine, { kind: 'document', document })
    this.#faults?.heard(engine, document)
  }

  /** One timer per machine: armed when it moves forward, ignored when it moved back. */
  #armEngine(host: EngineHost): void {
    const deadline = host.machine.nextDeadline()
    if (deadline === undefined || deadline >= host.armedUs) return
    host.armedUs = Math.max(this.#now, deadline)
    this.#heap.push(host.armedUs, EventClass.WakeEngine, host.index)
  }

  #wakeEngine(host: EngineHost): void {
    if (this.#now < host.armedUs) return
    host.armedUs = Infinity
    if (host.dead) return
    const deadline = host.machine.nextDeadline()
    if (deadline !== undefined && deadline <= this.#now) this.#engine(host, { kind: 'wake' })
    else this.#armEngine(host)
  }

  #armPool(host: PoolHost): void {
    const deadline = host.machine.nextDeadline()
    if (deadline === undefined || deadline >= host.armedUs) return
    host.armedUs = Math.max(this.#now, deadline)
    this.#heap.push(host.armedUs, EventClass.WakePool, host.index)
  }

  #wakePool(host: PoolHost): void {
    if (this.#now < host.armedUs) return
    host.armedUs = Infinity
    if (host.muted) return
    const deadline = host.machine.nextDeadline()
    if (deadline !== undefined && deadline <= this.#now) this.#pool(host, { kind: 'wake' })
    else this.#armPool(host)
  }

  #armCluster(): void {
    const deadline = this.cluster?.nextDeadline()
    if (deadline === undefined || deadline >= this.#clusterArmedUs) return
    this.#clusterArmedUs = Math.max(this.#now, deadline)
    this.#heap.push(this.#clusterArmedUs, EventClass.WakeCluster, 0)
  }

  #wakeCluster(): void {
    if (this.#now < this.#clusterArmedUs) return
    this.#clusterArmedUs = Infinity
    const deadline = this.cluster?.nextDeadline()
    if (deadline !== undefined && deadline <= this.#now) this.#tellCluster({ kind: 'wake' })
    else this.#armCluster()
  }

  #sample(): void {
    this.#recorder.book.sample(this.#now)
    if (this.#requests.noneToCome && this.#recorder.isStuck(this.#now)) this.#over = true
    this.#heap.push(this.#now + this.#recorder.sampleEveryUs, EventClass.Sample, 0)
  }
}
