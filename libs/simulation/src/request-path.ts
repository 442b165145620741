import { Dispatcher, type Replica } from '@kvasir/dispatch'
import type { EngineInput } from '@kvasir/engine-core'
import { type EventHeap, invariant, type Micros } from '@kvasir/kernel'
import type { RequestRecord, RequestStream } from '@kvasir/workload'
import type { EngineHost } from './build.js'
import type { ClusterPlan } from './cluster-plan.js'
import { EventClass } from './event-class.js'
import type { Faults } from './faults/faults.js'
import type { LiveRequest } from './live-request.js'
import type { Recorder } from './recorder.js'
import { Slab } from './slab.js'
import { type UserGroup, UserLoop } from './user-loop.js'

/** Payload of the stream's arrivals; those of users carry their group's index plus one. */
const STREAM = 0

/** What requests need of the simulation they are in. */
export interface RequestWorld {
  readonly plan: ClusterPlan
  readonly heap: EventHeap
  readonly recorder: Recorder
  now(): Micros
  /** Of a plan in which something breaks. */
  faults(): Faults | undefined
  /** @throws {InvariantError} when there is none of that name. */
  host(engine: string): EngineHost
  tell(engine: EngineHost, input: EngineInput): void
  /** Every request has ended, and none will come. */
  allEnded(): void
}

/** The way of requests: from where they come, by the dispatcher and the front end, to an engine; and what follows their end. */
export class RequestPath {
  readonly #world: RequestWorld
  readonly #requests: RequestStream
  readonly #users: UserLoop
  readonly #dispatchers = new Map<string, Dispatcher>()
  readonly #submissions = new Slab<{ readonly engine: EngineHost; readonly live: LiveRequest }>()
  #pending: RequestRecord | undefined
  #lastArrivalUs: Micros = 0

  constructor(
    world: RequestWorld,
    sources: { readonly requests: RequestStream; readonly users?: readonly UserGroup[] | undefined },
  ) {
    this.#world = world
    this.#requests = sources.requests
    this.#users = new UserLoop(sources.users ?? [])
    const { models, dispatch } = world.plan
    for (const model of models) this.#dispatchers.set(model.name, new Dispatcher(dispatch))
  }

  /** Whether no request will come but after the end of another. */
  get noneToCome(): boolean {
    return this.#pending === undefined && this.#users.isSilent
  }

  start(): void {
    for (const { group, atUs } of this.#users.start())
      this.#world.heap.push(atUs, EventClass.Arrival, group + 1)
    this.#pull()
  }

  /** An `Arrival` has come. */
  arrives(payload: number): void {
    if (payload === STREAM) this.#arriveNext()
    else this.#sendOfUsers(payload - 1)
  }

  /** A `Submit` has come. */
  submitted(payload: number): void {
    this.#submit(this.#submissions.take(payload))
  }

  /** What was too late for the step that has begun, or ended. */
  submitLate(engine: EngineHost): void {
    const { late } = engine
    if (late.length === 0) return
    engine.late = []
    for (const live of late) this.#submitNow({ engine, live })
  }

  /** Its user, if it has one, sends the next request. */
  ended(live: LiveRequest, how: 'served' | 'refused'): void {
    if (live.users !== undefined) {
      const atUs = this.#users.ended(live.users, this.#world.now(), how)
      if (atUs !== undefined) this.#world.heap.push(atUs, EventClass.Arrival, live.users + 1)
    }
    this.#endWhenDone()
  }

  reject(live: LiveRequest, reason: string, detail: string): void {
    this.#world.recorder.rejected(this.#world.now(), live, reason, detail)
    this.ended(live, 'refused')
  }

  /** Whether requests are sent to the engine from now on. */
  serve(engine: EngineHost, serving: boolean): void {
    if (engine.serving === serving) return
    engine.serving = serving
    const dispatcher = this.#dispatchers.get(engine.plan.model)
    if (serving) dispatcher?.add(engine.plan.id)
    else dispatcher?.remove(engine.plan.id)
  }

  /** Where no engine had it, or none has it any more; false when there is none still. */
  sendAgain(live: LiveRequest): boolean {
    const replica = this.#choose(live.record)
    if (!replica) return false
    live.replica = replica
    this.#sendTo(replica, live)
    return true
  }

  #pull(): void {
    const next = this.#requests.next()
    this.#pending = next
    if (!next) return
    invariant(
      next.arrivalUs >= this.#lastArrivalUs,
      () =>
        `request ${next.id} arrives at ${next.arrivalUs} us, before the one ahead of it (${this.#lastArrivalUs} us)`,
    )
    this.#lastArrivalUs = next.arrivalUs
    this.#world.heap.push(next.arrivalUs, EventClass.Arrival, STREAM)
  }

  #arriveNext(): void {
    const request = this.#pending
    invariant(request !== undefined, () => 'an arrival without a request')
    this.#pull()
    this.#arrive(request, undefined)
  }

  #sendOfUsers(users: number): void {
    const request = this.#users.send(users, this.#world.now())
    if (request === undefined) this.#endWhenDone()
    else this.#arrive(request, users)
  }

  #arrive(request: RequestRecord, users: number | undefined): void {
    const { recorder, now, faults } = this.#world
    const replica = this.#choose(request)
    const live = recorder.submitted(now(), request, replica)
    live.users = users
    if (replica) return this.#sendTo(replica, live)
    const broken = faults()
    if (broken) broken.waitsForEngine(live)
    else this.reject(live, 'no_replica', `no engine serves model ${request.model}`)
  }

  #choose(request: RequestRecord): Replica | undefined {
    const dispatcher = this.#dispatchers.get(request.model ?? '')
    return dispatcher?.choose({ session: request.session, prefix: prefixKey(request) })
  }

  #sendTo(replica: Replica, live: LiveRequest): void {
    const { recorder, heap, host } = this.#world
    const now = this.#world.now()
    const engine = host(replica.engine)
    recorder.book.arrived(now, engine, live.record)
    const submitUs = engine.passFrontEnd(now)
    if (submitUs === now) return this.#submit({ engine, live })
    heap.push(submitUs, EventClass.Submit, this.#submissions.put({ engine, live }))
  }

  /** Where the next step is planned already, a request is none of the engine's business until that one has begun. */
  #submit(submission: { readonly engine: EngineHost; readonly live: LiveRequest }): void {
    const { engine, live } = submission
    if (engine.endUs >= 0 && engine.model.plan.plansAhead) engine.late.push(live)
    else this.#submitNow(submission)
  }

  #submitNow({ engine, live }: { readonly engine: EngineHost; readonly live: LiveRequest }): void {
    const { recorder, faults, now } = this.#world
    const { id, leaveUs } = engine.plan
    if (leaveUs !== undefined && now() >= leaveUs)
      return this.reject(live, 'engine_left', `engine ${id} left before it had the request`)
    if (engine.dead) {
      recorder.recalled(live)
      faults()?.findsNobody(live)
      return
    }
    engine.arriving = live
    this.#world.tell(engine, { kind: 'submit', sequence: recorder.sequenceOf(live) })
  }

  #endWhenDone(): void {
    if (this.noneToCome && this.#world.recorder.allEnded) this.#world.allEnded()
  }
}

/** The first shared prefix block: requests that agree on it are worth keeping together. */
function prefixKey(request: RequestRecord): string | undefined {
  const first = request.prefixBlocks?.[0]
  return first === undefined ? undefined : String(first)
}
