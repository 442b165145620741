import type {
  DecisionRecord,
  DeviceCommand,
  EngineDocument,
  EngineMessage,
  PoolReport,
  ShareDocument,
  TraceDetail,
  TraceRecord,
} from '@kvasir/contracts'
import { ClusterMachine, type ClusterMachineInput, type PoolInput, recordOf } from '@kvasir/coordinator-core'
import type { DeviceInput, Run } from '@kvasir/device-core'
import { Dispatcher } from '@kvasir/dispatch'
import type { EngineInput } from '@kvasir/engine-core'
import { type SpatialGroup, spatialStep } from '@kvasir/hardware'
import { EventHeap, invariant, type Micros } from '@kvasir/kernel'
import type { RequestRecord, RequestStream } from '@kvasir/workload'
import { buildCluster, type DeviceHost, type EngineHost, type PoolHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import { EventClass } from './event-class.js'
import { type JointRun, jointStepUs, type LockStep } from './lock-step.js'
import { ModelRecord } from './model-record.js'
import { Network } from './network.js'
import { Recorder } from './recorder.js'
import type { LiveRequest } from './live-request.js'
import type { SimulationResult } from './result.js'
import { Slab } from './slab.js'
import { type UserGroup, UserLoop } from './user-loop.js'

export interface SimulationOptions {
  /** Each request's `model` names a model of the plan. */
  readonly requests: RequestStream
  /** Requests that wait for the end of others. */
  readonly users?: readonly UserGroup[]
  /** Stop there; what has not ended is `unfinished`. */
  readonly untilUs?: Micros
  readonly trace?: (record: TraceRecord) => void
  readonly traceDetail?: TraceDetail
  /** The lines of the decision log, in the order in which they were decided. */
  readonly decisions?: (record: DecisionRecord) => void
  /** Called after every event, with the whole cluster in view: the laws that no single machine can see. */
  readonly inspect?: (simulation: Simulation) => void
}

type Letter =
  | { readonly kind: 'document'; readonly engine: EngineHost; readonly document: EngineDocument }
  | { readonly kind: 'message'; readonly pool: PoolHost; readonly message: EngineMessage }
  | { readonly kind: 'report'; readonly report: PoolReport }
  | { readonly kind: 'shares'; readonly pool: PoolHost; readonly document: ShareDocument }

/** Payload of the stream's arrivals; those of users carry their group's index plus one. */
const STREAM = 0

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
  #transfers = new Slab<{ readonly device: DeviceHost; readonly transfer: number }>()
  #submissions = new Slab<{ readonly engine: EngineHost; readonly live: LiveRequest }>()
  #users: UserLoop
  #network: Network
  #dispatchers = new Map<string, Dispatcher>()
  #engineByName = new Map<string, EngineHost>()
  #recorder: Recorder
  #pending: RequestRecord | undefined
  #now: Micros = 0
  #clusterArmedUs: Micros = Infinity
  #events = 0
  #over = false
  #result: SimulationResult | undefined
  #lastArrivalUs: Micros = 0

  constructor(plan: ClusterPlan, options: SimulationOptions) {
    this.plan = plan
    this.#options = options
    const models = plan.models.map((model) => new ModelRecord(model))
    const cluster = buildCluster(plan, models)
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
    for (const engine of this.engines) this.#engineByName.set(engine.plan.id, engine)
    for (const model of plan.models) this.#dispatchers.set(model.name, new Dispatcher(plan.dispatch))
    this.#recorder = new Recorder(
      { plan, models, engines: this.engines, devices: this.devices },
      {
        ...(options.trace ? { trace: options.trace } : {}),
        traceDetail: options.traceDetail ?? 'run',
      },
    )
    for (const device of this.devices) device.machine.step(0, { kind: 'fence', epoch: 1, nonce: 1 })
    for (const engine of this.engines) {
      this.#heap.push(engine.plan.joinUs, EventClass.Membership, engine.index)
      if (engine.plan.leaveUs !== undefined)
        this.#heap.push(engine.plan.leaveUs, EventClass.Membership, engine.index)
    }
    this.#heap.push(0, EventClass.Sample, 0)
    this.#users = new UserLoop(options.users ?? [])
    for (const { group, atUs } of this.#users.start()) this.#heap.push(atUs, EventClass.Arrival, group + 1)
    this.#pull()
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

  #handle(eventClass: number, payload: number): void {
    switch (eventClass) {
      case EventClass.StepEnd:
        return this.#stepEnded(this.engines[payload])
      case EventClass.CopyEnd:
        return this.#copyEnded(this.#transfers.take(payload))
      case EventClass.ToEngine:
      case EventClass.ToPool:
        return this.#deliver(this.#letters.take(payload))
      case EventClass.Membership:
        return this.#membership(this.engines[payload])
      case EventClass.Arrival:
        return payload === STREAM ? this.#arriveNext() : this.#send(payload - 1)
      case EventClass.Submit:
        return this.#submit(this.#submissions.take(payload))
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

  // ── requests ────────────────────────────────────────────────────────────────────────────────────

  #pull(): void {
    this.#pending = this.#options.requests.next()
    if (!this.#pending) return
    invariant(
      this.#pending.arrivalUs >= this.#lastArrivalUs,
      () =>
        `request ${this.#pending?.id} arrives at ${this.#pending?.arrivalUs} us, before the one ahead of it (${this.#lastArrivalUs} us)`,
    )
    this.#lastArrivalUs = this.#pending.arrivalUs
    this.#heap.push(this.#pending.arrivalUs, EventClass.Arrival, STREAM)
  }

  #arriveNext(): void {
    const request = this.#pending
    invariant(request !== undefined, () => 'an arrival without a request')
    this.#pull()
    this.#arrive(request, undefined)
  }

  #send(users: number): void {
    const request = this.#users.send(users, this.#now)
    if (request === undefined) this.#endWhenDone()
    else this.#arrive(request, users)
  }

  #arrive(request: RequestRecord, users: number | undefined): void {
    const dispatcher = this.#dispatchers.get(request.model ?? '')
    const replica = dispatcher?.choose({ session: request.session, prefix: prefixKey(request) })
    const live = this.#recorder.submitted(this.#now, request, replica)
    live.users = users
    if (!replica) {
      this.#recorder.rejected(this.#now, live, 'no_replica', `no engine serves model ${request.model}`)
      return this.#requestEnded(live, 'refused')
    }
    const engine = this.#engineByName.get(replica.engine)
    invariant(engine !== undefined, () => `replica ${replica.engine} has no engine`)
    this.#recorder.book.arrived(this.#now, engine, request)
    const submitUs = engine.passFrontEnd(this.#now)
    if (submitUs === this.#now) return this.#submit({ engine, live })
    this.#heap.push(submitUs, EventClass.Submit, this.#submissions.put({ engine, live }))
  }

  /** Where the next step is planned already, a request is none of the engine's business until that one has begun. */
  #submit(submission: { readonly engine: EngineHost; readonly live: LiveRequest }): void {
    const { engine, live } = submission
    if (engine.endUs >= 0 && engine.model.plan.plansAhead) engine.late.push(live)
    else this.#submitNow(submission)
  }

  #submitLate(engine: EngineHost): void {
    const { late } = engine
    if (late.length === 0) return
    engine.late = []
    for (const live of late) this.#submitNow({ engine, live })
  }

  #submitNow({ engine, live }: { readonly engine: EngineHost; readonly live: LiveRequest }): void {
    const { id, leaveUs } = engine.plan
    if (leaveUs !== undefined && this.#now >= leaveUs) {
      this.#recorder.rejected(this.#now, live, 'engine_left', `engine ${id} left before it had the request`)
      return this.#requestEnded(live, 'refused')
    }
    engine.arriving = live
    this.#engine(engine, { kind: 'submit', sequence: this.#recorder.sequenceOf(live) })
  }

  /** Its user, if it has one, sends the next request. */
  #requestEnded(live: LiveRequest, how: 'served' | 'refused'): void {
    if (live.users !== undefined) {
      const atUs = this.#users.ended(live.users, this.#now, how)
      if (atUs !== undefined) this.#heap.push(atUs, EventClass.Arrival, live.users + 1)
    }
    this.#endWhenDone()
  }

  #endWhenDone(): void {
    if (this.#pending === undefined && this.#users.isSilent && this.#recorder.allEnded) this.#over = true
  }

  // ── machines ────────────────────────────────────────────────────────────────────────────────────

  #engine(host: EngineHost, input: EngineInput): void {
    for (const effect of host.machine.step(this.#now, input)) {
      switch (effect.kind) {
        case 'send':
          this.#post(
            { kind: 'message', pool: host.pool, message: effect.message },
            EventClass.ToPool,
            2 * host.index,
          )
          break
        case 'device':
          this.#command(host, effect.command)
          break
        case 'accepted':
          this.#recorder.accepted(this.#now, host, effect.slot)
          break
        case 'refused': {
          const live = this.#recorder.refused(this.#now, host, effect.reason, effect.detail)
          this.#requestEnded(live, 'refused')
          break
        }
        case 'planned':
          this.#recorder.planned(this.#now, host, effect.plan)
          break
        case 'stepped': {
          const { plan, outcome, startedUs, finishedUs } = effect
          const ended = this.#recorder.stepped(this.#now, host, plan, outcome, finishedUs - startedUs)
          for (const live of ended) this.#requestEnded(live, 'served')
          break
        }
        case 'preempted':
          this.#recorder.preempted(this.#now, host, effect.slots, effect.cause)
          break
        case 'ended': {
          const live = this.#recorder.ended(this.#now, host, effect.slot, effect.reason)
          this.#requestEnded(live, 'refused')
          break
        }
        case 'outcome':
          break
      }
    }
    this.#armEngine(host)
  }

  /** Engines in lock step get their turns together. */
  #command(host: EngineHost, command: DeviceCommand): void {
    const { lockStep } = host
    if (lockStep === undefined || command.kind !== 'ready') return this.#device(host.device, command)
    lockStep.ready(host, command)
    this.#gather(lockStep)
  }

  #gather(lockStep: LockStep): void {
    lockStep.gather(
      (engine, command) => this.#device(engine.device, command),
      (parts) => this.#startTogether(parts),
    )
  }

  #startTogether(parts: readonly JointRun[]): void {
    const stepUs = jointStepUs(parts)
    for (const { engine, run } of parts) this.#start(engine, run, stepUs)
  }

  #run(run: Run): void {
    const engine = this.#host(run.engine)
    if (engine.lockStep !== undefined) return engine.lockStep.add({ engine, run })
    const { spatial } = engine.device
    if (spatial !== undefined) return this.#startBeside(spatial, engine, run)
    const computeUs = Math.max(1, Math.round(engine.cost.stepUs(run.shape) / run.share))
    this.#start(engine, run, run.copyUs + computeUs)
  }

  #start(engine: EngineHost, run: Run, stepUs: Micros): void {
    this.#started(engine, run)
    this.#endsAt(engine, this.#now + stepUs)
    this.#submitLate(engine)
  }

  /** Steps that run side by side end earlier or later than thought whenever one of them begins or ends. */
  #startBeside(spatial: SpatialGroup, engine: EngineHost, run: Run): void {
    this.#started(engine, run)
    const step = spatialStep(engine.cost.breakdown(run.shape))
    // Copies hold up the step whatever it runs on.
    const withCopies = { ...step, fixedUs: step.fixedUs + run.copyUs }
    const ends = spatial.begin(this.#now, run.engine, { step: withCopies, multiprocessors: run.share })
    for (const { engine: name, endUs } of ends) this.#endsAt(this.#host(name), endUs)
    this.#submitLate(engine)
  }

  #started(engine: EngineHost, run: Run): void {
    engine.turn = run.turn
    engine.share = run.share
    engine.startedUs = this.#now
    engine.model.waitedForCopies(run.copyUs)
    if (run.copies) engine.model.copied(run.copies, engine.blockBytes)
  }

  #endsAt(engine: EngineHost, endUs: Micros): void {
    if (engine.endUs === endUs) return
    engine.endUs = endUs
    this.#heap.push(endUs, EventClass.StepEnd, engine.index)
  }

  #device(host: DeviceHost, input: DeviceInput): void {
    for (const effect of host.machine.step(this.#now, input)) {
      if (effect.kind === 'run') {
        this.#run(effect)
      } else if (effect.kind === 'transfer') {
        const engine = this.#host(effect.engine)
        engine.model.copied(effect.copies, engine.blockBytes)
        const transfer = this.#transfers.put({ device: host, transfer: effect.transfer })
        this.#heap.push(this.#now + effect.copyUs, EventClass.CopyEnd, transfer)
      } else if (effect.kind === 'refused' && effect.engine === '') {
        invariant(false, () => `device ${host.plan.id} refused ${effect.command}: ${effect.reason}`)
      } else if (effect.kind !== 'fenced') {
        this.#engine(this.#host(effect.engine), effect)
      }
    }
  }

  #copyEnded({ device, transfer }: { readonly device: DeviceHost; readonly transfer: number }): void {
    this.#device(device, { kind: 'transferred', transfer })
  }

  #stepEnded(engine: EngineHost): void {
    // An end that was put off or brought forward since.
    if (engine.endUs !== this.#now) return
    engine.endUs = -1
    this.#recorder.book.stepEnded(engine, this.#now - engine.startedUs)
    const { lockStep } = engine
    const spatial = lockStep === undefined ? engine.device.spatial : undefined
    for (const end of spatial?.end(this.#now, engine.plan.id) ?? [])
      this.#endsAt(this.#host(end.engine), end.endUs)
    lockStep?.ended()
    this.#device(engine.device, { kind: 'ran', engine: engine.plan.id, turn: engine.turn })
    if (lockStep) this.#gather(lockStep)
    if (engine.endUs < 0) this.#submitLate(engine)
  }

  #pool(host: PoolHost, input: PoolInput): void {
    for (const effect of host.machine.step(this.#now, input)) {
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
          this.#device(host.device, { kind: 'close', engine: effect.engine, incarnation: effect.incarnation })
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
    const dispatcher = this.#dispatchers.get(engine.plan.model)
    if (engine.joined) {
      dispatcher?.remove(engine.plan.id)
      this.#recorder.membership(this.#now, engine, 'leave')
      return this.#engine(engine, { kind: 'stop' })
    }
    engine.joined = true
    dispatcher?.add(engine.plan.id)
    this.#recorder.membership(this.#now, engine, 'join')
    this.#engine(engine, { kind: 'start' })
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
    if (letter.kind === 'document')
      this.#engine(letter.engine, { kind: 'document', document: letter.document })
    else if (letter.kind === 'message') this.#pool(letter.pool, { kind: 'message', message: letter.message })
    else if (letter.kind === 'report') this.#tellCluster(letter)
    else this.#pool(letter.pool, { kind: 'shares', document: letter.document })
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
    const noneToCome = this.#pending === undefined && this.#users.isSilent
    if (noneToCome && this.#recorder.isStuck(this.#now)) this.#over = true
    this.#heap.push(this.#now + this.#recorder.sampleEveryUs, EventClass.Sample, 0)
  }
}

/** The first shared prefix block: requests that agree on it are worth keeping together. */
function prefixKey(request: RequestRecord): string | undefined {
  const first = request.prefixBlocks?.[0]
  return first === undefined ? undefined : String(first)
}
