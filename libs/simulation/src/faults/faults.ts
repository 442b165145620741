import type { EngineDocument, FaultSummary } from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import type { EngineHost, PoolHost } from '../build.js'
import type { Letter } from '../letter.js'
import type { LiveRequest } from '../live-request.js'
import { EngineOutages } from './engine-outages.js'
import type { FaultBook, FaultRecord } from './fault-book.js'
import type { FaultPlan } from './fault-plan.js'
import { FaultSchedule } from './fault-schedule.js'
import type { FaultWorld } from './fault-world.js'
import { OwnerOutages } from './owner-outages.js'
import { Patience } from './patience.js'

/** Breaks what a plan says, when it says so, and has it come back as it would on real processes. */
export class Faults {
  readonly #world: FaultWorld
  readonly #book: FaultBook
  readonly #patience: Patience
  readonly #owners: OwnerOutages
  readonly #engines: EngineOutages

  constructor(world: FaultWorld, book: FaultBook) {
    this.#world = world
    this.#book = book
    this.#patience = new Patience(world)
    this.#owners = new OwnerOutages(world)
    this.#engines = new EngineOutages(world, { patience: this.#patience, owners: this.#owners })
    const { faults = [], seed } = world.plan
    faults.forEach((fault, index) => {
      const schedule = new FaultSchedule(fault, { seed, index })
      world.at(schedule.firstUs, () => this.#happen(schedule))
    })
  }

  summary(): FaultSummary {
    return this.#book.summary(this.#world.now())
  }

  /** Whether a letter does not reach its reader now. */
  intercepts(letter: Letter): boolean {
    return this.#owners.intercepts(letter)
  }

  /** An engine has taken a document, unless its process is gone. */
  heard(engine: EngineHost, { member, incarnation }: EngineDocument): void {
    if (engine.dead || incarnation !== engine.incarnation) return
    this.#book.heard(this.#world.now(), engine)
    if (!member) this.#engines.expel(engine)
    else if (!engine.serving && this.#engines.lives(engine)) this.engineServes(engine)
  }

  engineServes(engine: EngineHost): void {
    this.#world.serve(engine, true)
    this.#patience.engineIsBack(engine.plan.model)
  }

  /** An engine would join; false when it cannot yet. */
  joins(engine: EngineHost): boolean {
    if (engine.device.down) this.#engines.joinsLater(engine)
    return !engine.device.down
  }

  /** A request for which there is no engine. */
  waitsForEngine(live: LiveRequest): void {
    this.#patience.wait(live, this.#engines.blamedFor(live.model.plan.name))
  }

  /** A request that was on its way to an engine whose process has died meanwhile. */
  findsNobody(live: LiveRequest): void {
    this.#patience.sendAgain(live, this.#engines.blamedFor(live.model.plan.name))
  }

  /** An owner has told his device something. */
  deviceWasTold(pool: PoolHost): void {
    this.#owners.askMapping(pool)
  }

  #happen(schedule: FaultSchedule): void {
    const { at, now } = this.#world
    this.#inject(schedule)
    const nextUs = schedule.nextUs(now())
    if (nextUs !== undefined) at(nextUs, () => this.#happen(schedule))
  }

  #inject(schedule: FaultSchedule): void {
    const { fault } = schedule
    switch (fault.kind) {
      case 'none':
        this.#begin(fault, '')
        return
      case 'coordinator':
        return this.#killOwners(schedule, fault)
      case 'engine':
        return this.#killEngines(schedule, fault)
      case 'group':
        return this.#failGroups(schedule, fault)
      case 'store':
        return this.#failStore(fault)
    }
  }

  #killOwners(schedule: FaultSchedule, fault: Extract<FaultPlan, { kind: 'coordinator' }>): void {
    const chosen = schedule.choose(fault.target, this.#world.pools)
    const pools = chosen.filter((pool) => this.#owners.owns(pool))
    if (pools.length === 0) return
    const record = this.#begin(fault, labelOf(fault, pools))
    for (const pool of pools) {
      this.#touchAll(record, pool, this.#owners.epochOf(pool) + 1)
      this.#owners.killOwner(pool, fault, record)
    }
  }

  #killEngines(schedule: FaultSchedule, fault: Extract<FaultPlan, { kind: 'engine' }>): void {
    const chosen = schedule.choose(fault.target, this.#world.engines)
    const engines = chosen.filter((engine) => this.#engines.lives(engine))
    if (engines.length === 0) return
    const record = this.#begin(fault, labelOf(fault, engines))
    // One that is lost takes those in lock step with it along.
    for (const engine of engines)
      if (this.#engines.lives(engine)) this.#engines.killEngine(engine, fault, record)
  }

  #failGroups(schedule: FaultSchedule, fault: Extract<FaultPlan, { kind: 'group' }>): void {
    const chosen = schedule.choose(fault.target, this.#world.devices)
    const devices = chosen.filter(({ down }) => !down)
    if (devices.length === 0) return
    const record = this.#begin(fault, labelOf(fault, devices))
    for (const device of devices) this.#engines.failGroup(device, fault, record)
  }

  #failStore(fault: Extract<FaultPlan, { kind: 'store' }>): void {
    if (this.#owners.storeDown) return
    const record = this.#begin(fault, '')
    for (const pool of this.#world.pools) this.#touchAll(record, pool, this.#owners.epochOf(pool))
    this.#owners.failStore(fault, record)
  }

  #begin({ kind }: FaultPlan, target: string): FaultRecord {
    return this.#book.begin(this.#world.now(), { kind, target })
  }

  /** Nobody on the pool has a budget until it hears an owner of `epoch` or later. */
  #touchAll(record: FaultRecord, pool: PoolHost, epoch: number): void {
    for (const engine of pool.engines.values())
      if (this.#engines.lives(engine)) record.touch(engine, { epoch, incarnation: engine.incarnation })
  }
}

function labelOf(
  fault: Extract<FaultPlan, { readonly target: unknown }>,
  met: readonly { readonly plan: { readonly id: string } }[],
): string {
  const [first] = met
  invariant(first !== undefined, () => `a fault of kind ${fault.kind} that meets nobody`)
  return fault.target?.kind === 'all' ? '*' : first.plan.id
}
