import { weightLoadUs } from '@kvasir/hardware'
import { type Micros, MICROS_PER_SECOND } from '@kvasir/kernel'
import { buildDevice, type DeviceHost, type EngineHost } from '../build.js'
import { gpuOf, servedModel } from '../cluster-plan.js'
import type { FaultRecord } from './fault-book.js'
import type { FaultPlan } from './fault-plan.js'
import type { FaultWorld } from './fault-world.js'
import type { OwnerOutages } from './owner-outages.js'
import type { Patience } from './patience.js'

/** How long an engine waits for its device before it ends what was under way (`engine-driver.ts`: `ATTACH_WITHIN_MS`). */
const ATTACH_WITHIN_US: Micros = 2 * MICROS_PER_SECOND
/** Pause before an engine that is no member any more begins anew (`engine-driver.ts`: `RETRY_MS`). */
const RETRY_US: Micros = 200_000

/**
 * How processes of engines end and begin again, alone or with the GPUs of their group. Engines in lock step end together, whichever of them is
 * lost, and begin together when the last of them can.
 */
export class EngineOutages {
  readonly #world: FaultWorld
  readonly #patience: Patience
  readonly #owners: OwnerOutages
  /** By model, the last fault that took an engine of it. */
  readonly #blamed = new Map<string, FaultRecord>()

  constructor(world: FaultWorld, parts: { readonly patience: Patience; readonly owners: OwnerOutages }) {
    this.#world = world
    this.#patience = parts.patience
    this.#owners = parts.owners
  }

  /** Whether it is there to be lost. */
  lives(engine: EngineHost): boolean {
    const isHalted = engine.lockStep?.halted === true
    return engine.joined && !engine.dead && !isHalted && !engine.device.down && !this.#hasLeft(engine)
  }

  /** Because of which fault there may be no engine of a model. */
  blamedFor(model: string): FaultRecord | undefined {
    return this.#blamed.get(model)
  }

  /** The process dies, and starts again. */
  killEngine(engine: EngineHost, fault: Extract<FaultPlan, { kind: 'engine' }>, record: FaultRecord): void {
    const { restartUs, loadUs = this.#loadUs(engine) } = fault
    const ended = membersOf(engine).filter((member) => this.lives(member))
    for (const member of ended) this.#touch(member, record)
    this.#stopServing(ended)
    for (const member of ended) this.#kill(member, record)
    this.#restartAt(engine, this.#world.now() + restartUs + loadUs)
  }

  /** Its owner has not heard of it for too long: it is a member no more, and begins anew. */
  expel(engine: EngineHost): void {
    if (!this.lives(engine)) return
    this.#endAll(engine)
    this.#restartAt(engine, this.#world.now() + RETRY_US)
  }

  /** All engines of the group lose their device: they wait a little for it, and then end what was under way, with those in lock step with them. */
  failGroup(device: DeviceHost, fault: Extract<FaultPlan, { kind: 'group' }>, record: FaultRecord): void {
    const world = this.#world
    const engines = this.#enginesOn(device)
    const living = engines.flatMap(membersOf).filter((engine) => this.lives(engine))
    for (const engine of living) this.#touch(engine, record)
    world.groups.fail(device, engines)
    this.#stopServing(living)
    const { forUs, loadUs } = fault
    world.at(world.now() + Math.min(forUs ?? Infinity, ATTACH_WITHIN_US), () => {
      for (const engine of living) if (!engine.dead) this.#kill(engine, record)
    })
    if (forUs !== undefined) world.at(world.now() + forUs, () => this.#groupIsBack(device, loadUs))
  }

  /** An engine that would join finds no device: it begins when there is one. */
  joinsLater(engine: EngineHost): void {
    if (engine.lockStep !== undefined) this.#endAll(engine)
    engine.dead = true
  }

  /** A new process for the group: what bundles held is gone, and engines load their weights one after the other over the same links. */
  #groupIsBack(device: DeviceHost, loadUs: Micros | undefined): void {
    const { plan, now } = this.#world
    device.machine = buildDevice(plan, device.plan, device.machine.snapshot())
    device.down = false
    let atUs = now()
    for (const engine of this.#enginesOn(device)) {
      if (!engine.joined || this.#hasLeft(engine)) continue
      atUs += loadUs ?? this.#loadUs(engine)
      this.#restartAt(engine, atUs)
    }
    this.#owners.deviceIsBack(device)
  }

  /** The engine has no budget until it is another run. */
  #touch(engine: EngineHost, record: FaultRecord): void {
    record.touch(engine, { epoch: 0, incarnation: engine.incarnation + 1 })
    this.#blamed.set(engine.plan.model, record)
  }

  /** What is sent from now on goes to others: none of these takes what another one lost. */
  #stopServing(engines: readonly EngineHost[]): void {
    for (const engine of engines) {
      engine.lockStep?.halt()
      this.#world.serve(engine, false)
    }
  }

  #endAll(engine: EngineHost): void {
    const ended = membersOf(engine).filter((member) => this.lives(member))
    this.#stopServing(ended)
    engine.lockStep?.halt()
    for (const member of ended) this.#kill(member, undefined)
  }

  #kill(engine: EngineHost, record: FaultRecord | undefined): void {
    const { id } = engine.plan
    const { incarnation, device } = engine
    const again = this.#world.abandon(engine, record)
    // The group hears at once that nobody speaks for the engine any more.
    this.#world.groups.device(device, { kind: 'detached', engine: id, incarnation })
    for (const live of again) this.#patience.sendAgain(live, record)
  }

  #restartAt(engine: EngineHost, atUs: Micros): void {
    const members = membersOf(engine)
    this.#world.at(atUs, () => {
      if (members.some((member) => !member.dead || member.device.down || this.#hasLeft(member))) return
      // A step of the last run may be under way still, and computes nothing for anybody.
      const endUs = Math.max(...members.map((member) => member.endUs))
      if (endUs >= 0) return this.#restartAt(engine, endUs)
      engine.lockStep?.begin()
      for (const member of members) this.#world.start(member)
    })
  }

  #hasLeft({ plan: { leaveUs } }: EngineHost): boolean {
    return leaveUs !== undefined && this.#world.now() >= leaveUs
  }

  #enginesOn(device: DeviceHost): readonly EngineHost[] {
    return this.#world.engines.filter((engine) => engine.device === device)
  }

  /** Weights come from host memory, where the machine has them still: the least it can take. */
  #loadUs({ model: { plan }, device }: EngineHost): Micros {
    const { expertSplit, dataParallel } = plan
    return weightLoadUs({
      gpu: gpuOf(device.plan),
      model: servedModel(plan),
      tp: device.plan.tp,
      ...(expertSplit === undefined ? {} : { expertSplit }),
      ...(dataParallel === undefined ? {} : { dataParallel }),
    })
  }
}

/** Those that are lost with an engine: all that are in lock step with it, or it alone. */
function membersOf(engine: EngineHost): readonly EngineHost[] {
  return engine.lockStep?.members ?? [engine]
}
