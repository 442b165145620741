import {
  type DeviceAnswer,
  type DeviceCommand,
  engineLetterSchema,
  heartbeatSchema,
  type PoolSettings,
} from '@kvasir/contracts'
import {
  type Bell,
  defaultOwnerTimings,
  MemoryStore,
  type OwnerEffect,
  Ear,
  type OwnerInput,
  OwnerMachine,
  type PeerAnswer,
  type PeerCommand,
  PoolHost,
  type PoolOptions,
  UNCLAIMED,
  type PoolSpeech,
  type StoreCommand,
} from '@kvasir/coordinator-core'
import { type DeviceEffect, DeviceMachine } from '@kvasir/device-core'
import type { EngineEffect } from '@kvasir/engine-core'
import { knownGpu, type StepCostModel } from '@kvasir/hardware'
import { EventHeap, invariant, type Micros, SeededRng } from '@kvasir/kernel'
import type { ModelPlan, PoolPlan } from '../cluster-plan.js'
import { makeEngine, poolOptionsOf } from '../machines.js'
import { LiveEngine, peerCommandOf } from './live-engine.js'

export interface LivePoolOptions {
  readonly seed: number
  readonly pool: PoolPlan
  readonly models: readonly ModelPlan[]
  readonly settings: PoolSettings
  costOf(model: ModelPlan): StepCostModel
  readonly owners: number
  /** Share of the store's answers that are lost; half of these before the command was carried out. */
  readonly lostAnswers: number
}

/** What a run of an owner's process last hosted. */
interface OfficeHeld {
  host: PoolHost | undefined
  epoch: number
}

/** One process that would own the pool. */
export interface OwnerProcess {
  readonly name: string
  machine: OwnerMachine<PoolSpeech>
  readonly ear: Ear<PoolSpeech>
  office: OfficeHeld
  alive: boolean
  pausedUntil: Micros
  held: OwnerInput<PoolSpeech>[]
  wakeAt: Micros
  runs: number
}

const newEar = () =>
  new Ear<PoolSpeech>({
    letter: (text) => engineLetterSchema.safeParse(JSON.parse(text)).data,
    heartbeat: (text) => heartbeatSchema.safeParse(JSON.parse(text)).data,
    word: () => undefined,
  })

const noAnswer = { kind: 'failed', detail: 'no answer' } as const
const COMMAND_TIMEOUT_US: Micros = 400_000
/** A run has about a tenth of it. */
const EVENTS_MAX = 2_000_000

/**
 * One pool as separate processes run it, in virtual time: owners over a store, engines, and a TP group that all of them reach. What
 * each of them believes is its own; the laws that hold between them are looked at after every event.
 */
export class LivePool {
  readonly store = new MemoryStore(60)
  readonly device: DeviceMachine
  readonly engines: readonly LiveEngine[]
  readonly owners: readonly OwnerProcess[]
  readonly rng: SeededRng
  now: Micros = 0
  storeUp = true
  /** Whether the group hears the owners. Engines reach it always: they are beside it. */
  deviceHears = true
  readonly offices: { readonly at: Micros; readonly owner: string; readonly epoch: number }[] = []
  readonly departures = new Map<string, number>()
  /** Requests that ended for their engine. */
  readonly settled = new Set<string>()
  lostAnswers: number
  readonly #options: LivePoolOptions
  readonly #heap = new EventHeap()
  #acts: ((() => void) | undefined)[] = []
  #deviceEpoch = 0
  #events = 0
  readonly #ownerOfEpoch = new Map<number, string>()

  constructor(options: LivePoolOptions) {
    this.#options = options
    const { seed, pool, models } = options
    this.rng = new SeededRng(seed, 'live-pool')
    this.lostAnswers = options.lostAnswers
    this.device = new DeviceMachine({
      bundles: pool.bundles,
      arbitration: 'claims',
      gpu: knownGpu(pool.gpu),
    })
    this.engines = models.map((model) => this.#engine(model))
    this.owners = Array.from({ length: options.owners }, (_, i) => this.#owner(`c${i}`))
    for (const owner of this.owners) this.#tellOwner(owner, { kind: 'wake' })
    for (const engine of this.engines) this.after(1_000, () => engine.start())
  }

  /** Who is in office by its own account. */
  get inOffice(): OwnerProcess | undefined {
    return this.owners.find(({ alive, machine }) => alive && machine.owns)
  }

  at(time: Micros, act: () => void): void {
    this.#heap.push(Math.max(time, this.now), 0, this.#acts.push(act) - 1)
  }

  after(us: Micros, act: () => void): void {
    this.at(this.now + us, act)
  }

  run(untilUs: Micros): void {
    while (this.#heap.size > 0 && this.#heap.peekTime() <= untilUs) {
      const index = this.#heap.pop()
      this.now = this.#heap.time
      invariant(++this.#events < EVENTS_MAX, () => `${EVENTS_MAX} events by ${this.now} us: ${this.#story()}`)
      const act = this.#acts[index]
      this.#acts[index] = undefined
      act?.()
      this.#inspect()
    }
    this.now = untilUs
  }

  // --- faults ---

  killOwner(owner: OwnerProcess, restartAfterUs: Micros): void {
    if (!owner.alive) return
    owner.alive = false
    this.after(restartAfterUs, () => {
      owner.alive = true
      owner.runs++
      owner.office = { host: undefined, epoch: 0 }
      owner.machine = this.#machine(owner.name, owner.runs, owner.office)
      owner.wakeAt = Infinity
      owner.held = []
      owner.pausedUntil = 0
      this.#tellOwner(owner, { kind: 'wake' })
    })
  }

  pauseOwner(owner: OwnerProcess, us: Micros): void {
    if (owner.alive && owner.pausedUntil <= this.now) {
      owner.pausedUntil = this.now + us
      this.after(us, () => this.#resumeOwner(owner))
    }
  }

  killEngine(engine: LiveEngine, restartAfterUs: Micros): void {
    if (!engine.alive) return
    const { name, incarnation } = engine
    engine.kill()
    this.#device({ kind: 'detached', engine: name, incarnation })
    this.after(restartAfterUs, () => engine.start())
  }

  pauseEngine(engine: LiveEngine, us: Micros): void {
    if (!engine.alive || engine.pausedUntil > this.now) return
    engine.pausedUntil = this.now + us
    this.after(us, () => engine.resume())
  }

  // --- engines ---

  #engine(model: ModelPlan): LiveEngine {
    const { pool, settings, costOf } = this.#options
    const cost = costOf(model)
    const make = (incarnation: number) =>
      makeEngine({
        engine: model.name,
        incarnation,
        model,
        pool,
        policy: 'weighted-max-min',
        settings,
        share: 1,
        cost,
      })
    return new LiveEngine(model.name, {
      model: model.name,
      make,
      world: {
        now: () => this.now,
        perform: (engine, effect) => this.#perform(engine, effect),
        expelled: (engine) => this.killEngine(engine, 200_000),
        stepped: (engine) => this.#armEngine(engine),
      },
    })
  }

  #perform(engine: LiveEngine, effect: EngineEffect): void {
    const { name, incarnation } = engine
    if (effect.kind === 'send') this.#peer(engine, peerCommandOf(name, effect.message))
    if (effect.kind === 'device') this.after(20, () => this.#device(effect.command))
    if (effect.kind === 'outcome') {
      const { id } = effect.outcome
      invariant(!this.settled.has(id), () => `${id} ended twice for ${name}/${incarnation}`)
      this.settled.add(id)
    }
  }

  #armEngine(engine: LiveEngine): void {
    const deadline = engine.machine.nextDeadline()
    if (deadline === undefined || deadline >= engine.wakeAt) return
    const at = Math.max(deadline, this.now)
    engine.wakeAt = at
    const { incarnation } = engine
    this.at(at, () => {
      if (engine.incarnation !== incarnation || engine.wakeAt !== at) return
      engine.wakeAt = Infinity
      engine.tell({ kind: 'wake' })
    })
  }

  #peer(engine: LiveEngine, command: PeerCommand): void {
    const { incarnation } = engine
    const fate = this.rng.uniform()
    if (!this.storeUp || fate < this.lostAnswers / 2) return
    const lost = fate < this.lostAnswers
    this.after(100 + this.rng.int(300), () => {
      if (!this.storeUp) return
      const answer = this.store.peer(command)
      const bell = this.store.bellOf(command, answer)
      if (bell) for (const owner of this.owners) this.after(100, () => this.#ring(owner, bell))
      if (lost || answer.kind !== 'document') return
      this.after(100, () => {
        if (engine.incarnation === incarnation) this.#documentFor(engine, answer)
      })
    })
  }

  #documentFor(engine: LiveEngine, { text, budget }: Extract<PeerAnswer, { kind: 'document' }>): void {
    if (engine.alive) engine.document(text, budget)
  }

  // --- the group ---

  #device(command: DeviceCommand | Parameters<DeviceMachine['step']>[1]): void {
    for (const effect of this.device.step(this.now, command)) this.#deviceEffect(effect)
  }

  #deviceEffect(effect: DeviceEffect): void {
    if (effect.kind === 'run') {
      const model = this.#options.models.find(({ name }) => name === effect.engine)
      invariant(model !== undefined, () => `${effect.engine} is no model`)
      const us = effect.copyUs + this.#options.costOf(model).stepUs(effect.shape)
      this.after(us, () => this.#device({ kind: 'ran', engine: effect.engine, turn: effect.turn }))
    } else if (effect.kind === 'transfer') {
      this.after(effect.copyUs, () => this.#device({ kind: 'transferred', transfer: effect.transfer }))
    } else if (effect.kind !== 'fenced') this.#toEngine(effect)
  }

  #toEngine(answer: Exclude<DeviceAnswer, { kind: 'fenced' }>): void {
    const engine = this.engines.find(({ name }) => name === answer.engine)
    if (!engine) return
    const { incarnation } = engine
    // What is said to a run that is over reaches nobody.
    if (this.device.incarnationOf(engine.name) !== incarnation) return
    this.after(20, () => {
      if (engine.incarnation === incarnation) engine.tell(answer)
    })
  }

  // --- owners ---

  #owner(name: string): OwnerProcess {
    const office: OfficeHeld = { host: undefined, epoch: 0 }
    const machine = this.#machine(name, 1, office)
    return {
      name,
      machine,
      ear: newEar(),
      office,
      alive: true,
      pausedUntil: 0,
      held: [],
      wakeAt: Infinity,
      runs: 1,
    }
  }

  #machine(name: string, run: number, office: OfficeHeld): OwnerMachine<PoolSpeech> {
    const { pool, models, settings, costOf, seed } = this.#options
    const options: Omit<PoolOptions, 'epoch'> = poolOptionsOf({
      pool,
      policy: 'weighted-max-min',
      settings,
      models,
      costOf,
    })
    return new OwnerMachine<PoolSpeech>({
      timings: defaultOwnerTimings,
      process: name,
      rng: new SeededRng(seed, `${name}/${run}`),
      device: true,
      host: (now, takeover) => {
        office.epoch = takeover.epoch
        office.host = new PoolHost(now, takeover, { pool: options })
        return office.host
      },
    })
  }

  #ring(owner: OwnerProcess, bell: Bell): void {
    if (bell.kind !== 'letter') return this.#tellOwner(owner, { kind: 'bell', peer: '' })
    this.#tellOwner(owner, {
      kind: 'rung',
      messages: owner.ear.listen({ letters: [bell.letter], heartbeats: [] }),
    })
  }

  #tellOwner(owner: OwnerProcess, input: OwnerInput<PoolSpeech>): void {
    if (!owner.alive) return
    if (this.now < owner.pausedUntil) {
      owner.held.push(input)
      return
    }
    const { machine } = owner
    for (const effect of machine.step(this.now, input)) this.#performOwner(owner, effect)
    this.#armOwner(owner)
  }

  #resumeOwner(owner: OwnerProcess): void {
    if (this.now < owner.pausedUntil) return
    const { held } = owner
    owner.held = []
    for (const input of held) this.#tellOwner(owner, input)
    this.#armOwner(owner)
  }

  #armOwner(owner: OwnerProcess): void {
    const deadline = owner.machine.nextDeadline()
    if (deadline === undefined || deadline === Infinity || deadline >= owner.wakeAt) return
    const at = Math.max(deadline, this.now)
    owner.wakeAt = at
    this.at(at, () => {
      if (owner.wakeAt !== at) return
      owner.wakeAt = Infinity
      this.#tellOwner(owner, { kind: 'wake' })
    })
  }

  /** To the run that asked, if it is still there. */
  #answerOwner(
    owner: OwnerProcess,
    machine: OwnerMachine<PoolSpeech>,
    us: Micros,
    input: OwnerInput<PoolSpeech>,
  ): void {
    this.after(us, () => {
      if (owner.machine === machine) this.#tellOwner(owner, input)
    })
  }

  #performOwner(owner: OwnerProcess, effect: OwnerEffect): void {
    switch (effect.kind) {
      case 'store':
        return this.#carry(owner, effect.id, effect.command)
      case 'fence':
        return this.#fence(owner, effect)
      case 'device':
        this.after(200, () => {
          if (this.deviceHears) this.#device(effect.command)
        })
        return
      case 'took_office':
        this.offices.push({ at: this.now, owner: owner.name, epoch: effect.epoch })
        return
      case 'left_office':
        this.departures.set(effect.reason, (this.departures.get(effect.reason) ?? 0) + 1)
    }
  }

  #carry(owner: OwnerProcess, id: number, command: StoreCommand): void {
    const { machine } = owner
    const fate = this.rng.uniform()
    const lost = fate < this.lostAnswers
    const lostBefore = fate < this.lostAnswers / 2
    this.after(100 + this.rng.int(400), () => {
      const reached = this.storeUp && !lostBefore
      const answer = reached ? this.store.own(command) : undefined
      if (command.kind === 'commit' && answer?.kind === 'committed') {
        this.#noteCommit(owner)
        const { documents, budgets = [] } = command.commit
        for (const { peer } of [...documents, ...budgets]) this.#tick(peer)
      }
      const heard = answer !== undefined && !lost
      const read = answer?.kind === 'peeked' ? owner.ear.hear(answer) : answer
      const stored = { kind: 'stored', id, answer: heard && read ? read : noAnswer } as const
      this.#answerOwner(owner, machine, heard ? 100 : COMMAND_TIMEOUT_US, stored)
    })
  }

  #tick(peer: string): void {
    const engine = this.engines.find(({ name }) => name === peer)
    if (engine?.alive) this.after(100, () => this.#peer(engine, { kind: 'read', peer }))
  }

  /** S7: the commits of one epoch that the group would obey come from one owner. */
  #noteCommit({ name, runs, office: { epoch } }: OwnerProcess): void {
    if (epoch < this.device.epoch) return
    const by = `${name}/${runs}`
    const other = this.#ownerOfEpoch.get(epoch) ?? by
    invariant(other === by, () => `epoch ${epoch}: commits of ${other} and ${by}`)
    this.#ownerOfEpoch.set(epoch, by)
  }

  #fence(owner: OwnerProcess, { epoch, nonce }: Extract<OwnerEffect, { kind: 'fence' }>): void {
    const { machine } = owner
    this.after(200, () => {
      if (!this.deviceHears) return
      const [answer] = this.device.step(this.now, { kind: 'fence', epoch, nonce })
      const highest = this.device.epoch
      const input: OwnerInput<PoolSpeech> =
        answer.kind === 'fenced'
          ? { kind: 'fenced', epoch, held: answer.held }
          : { kind: 'fence_refused', epoch, highest }
      this.#answerOwner(owner, machine, 200, input)
    })
  }

  // --- laws ---

  #inspect(): void {
    invariant(
      this.device.epoch >= this.#deviceEpoch,
      () => `the group's epoch fell from ${this.#deviceEpoch} to ${this.device.epoch}`,
    )
    this.#deviceEpoch = this.device.epoch
    this.#inspectRights()
    this.#inspectLedger()
  }

  /** S4: what engines may touch by their own account is never more than there is. Old words the group refuses; an ended lease maps no more. */
  #inspectRights(): void {
    const { bundles } = this.#options.pool
    const parts = this.engines.map((engine) => {
      const mapped = this.device.mappedBy(engine.name)
      const { lease } = engine.machine
      const heard = engine.alive && lease.epoch >= this.device.epoch && this.now < lease.expiresUs
      const mine = this.device.incarnationOf(engine.name) === engine.incarnation
      return heard ? Math.max(mine ? mapped : 0, lease.bundles(this.now)) : mapped
    })
    const sum = parts.reduce((total, part) => total + part, 0)
    invariant(
      sum <= bundles,
      () => `at ${this.now} us engines may use ${parts.join(' + ')} of ${bundles} bundles: ${this.#story()}`,
    )
  }

  /** S5: an owner whom the group obeys knows of everything that is mapped. */
  #inspectLedger(): void {
    for (const owner of this.owners) {
      const { host, epoch } = owner.office
      // Who is stopped decides nothing, and may find that its time in office is over when it goes on.
      if (!owner.alive || this.now < owner.pausedUntil) continue
      if (!owner.machine.owns || epoch !== this.device.epoch || !host) continue
      const { ledger, members } = host.machine
      ledger.audit()
      // Of an engine that is gone for certain the group is told once that is durable.
      const excess = members.map(({ engine: name }) => {
        const known = ledger.leasedTo(name) + ledger.owedBy(name) + ledger.quarantinedOf(name)
        return Math.max(0, this.device.mappedBy(name) - known)
      })
      invariant(
        excess.reduce((sum, bundles) => sum + bundles, 0) <= ledger.quarantinedOf(UNCLAIMED),
        () =>
          `at ${this.now} us engines have ${excess.join(' + ')} bundles mapped that ${owner.name} of epoch ${epoch} does not know of: ${this.#story()}`,
      )
    }
  }

  #story(): string {
    const leases = this.engines.map(
      ({ name, machine, alive }) =>
        `${name}${alive ? '' : ' (dead)'} epoch ${machine.lease.epoch} lease ${machine.lease.bundles(this.now)} mapped ${this.device.mappedBy(name)}`,
    )
    return `group at epoch ${this.device.epoch}; ${leases.join('; ')}; ${JSON.stringify(this.offices.slice(-3))}`
  }
}
