import type { EngineMessage, Heartbeat, ShareDocument } from '@kvasir/contracts'
import {
  defaultOwnerTimings,
  type PoolEffect,
  PoolMachine,
  poolStateIn,
  roundsBefore,
  type Takeover,
} from '@kvasir/coordinator-core'
import { type Epoch, invariant, type Micros } from '@kvasir/kernel'
import type { DeviceHost, PoolHost } from '../build.js'
import type { Letter } from '../letter.js'
import { Election, type LastCommit } from './election.js'
import type { FaultRecord } from './fault-book.js'
import type { FaultPlan } from './fault-plan.js'
import type { FaultWorld } from './fault-world.js'

/** Who owns a pool, and what the store keeps for the next owner while nobody does. */
interface Office {
  readonly pool: PoolHost
  epoch: Epoch
  nonce: number
  /** Whether it was taken without an answer of the device. */
  silent: boolean
  /** Whether the device is about to be asked what is mapped. */
  asking: boolean
  elections: number
  /** Under way while the pool has no owner. */
  election: Election | undefined
  /** Faults for which the pool has no owner. */
  blamed: FaultRecord[]
  /** What engines have said: messages in order, of heartbeats the newest, and of the cluster's words the last. */
  letters: Exclude<EngineMessage, Heartbeat>[]
  readonly heartbeats: Map<string, Heartbeat>
  shares: ShareDocument | undefined
}

/**
 * How pools lose their owners and get new ones, with their processes or because the store is away. The owner in office is the
 * pool's machine itself; an owner's commits, which this simulation does not have, are taken to succeed as long as there is a store.
 */
export class OwnerOutages {
  readonly #world: FaultWorld
  readonly #offices: ReadonlyMap<PoolHost, Office>
  #storeDown = false
  /** Whether the store that is down comes back empty. */
  #forgetting = false

  constructor(world: FaultWorld) {
    this.#world = world
    this.#offices = new Map(world.pools.map((pool) => [pool, officeOf(pool)]))
  }

  get storeDown(): boolean {
    return this.#storeDown
  }

  owns(pool: PoolHost): boolean {
    return this.#office(pool).election === undefined
  }

  epochOf(pool: PoolHost): Epoch {
    return this.#office(pool).epoch
  }

  // --- what breaks ---

  /** The owner's process dies; the one that stands by, or the one that starts after `forUs`, takes over by the protocol. */
  killOwner(
    pool: PoolHost,
    { forUs = 0 }: { readonly forUs?: Micros | undefined },
    record: FaultRecord,
  ): void {
    const office = this.#office(pool)
    this.#vacate(office, { record, last: this.#committed(office), by: 'another', afterUs: forUs })
  }

  /** Nothing is said and nothing is heard; owners who cannot commit give up in time, and some find that the store has forgotten them. */
  failStore({ forUs, keepsData }: Extract<FaultPlan, { kind: 'store' }>, record: FaultRecord): void {
    const world = this.#world
    const { actUs } = defaultOwnerTimings
    const offices = [...this.#offices.values()]
    this.#storeDown = true
    this.#forgetting = !keepsData
    for (const office of offices) {
      office.pool.muted = true
      if (!keepsData) forget(office)
    }
    const lapse = () => {
      for (const office of offices)
        if (office.election === undefined)
          this.#vacate(office, { record, last: this.#committed(office), by: 'last owner', afterUs: 0 })
    }
    if (forUs > actUs) world.at(world.now() + actUs, lapse)
    world.at(world.now() + forUs, () => {
      this.#storeDown = false
      if (!keepsData) lapse()
      this.#forgetting = false
      for (const office of offices) if (office.election === undefined) this.#resume(office)
    })
  }

  #vacate(
    office: Office,
    parts: {
      readonly record: FaultRecord | undefined
      readonly last: LastCommit | 'lost'
      readonly by: 'last owner' | 'another'
      readonly afterUs: Micros
    },
  ): void {
    const { plan, at, now } = this.#world
    const { pool } = office
    pool.muted = true
    if (parts.record) {
      parts.record.disowned()
      office.blamed.push(parts.record)
    }
    const election = new Election({
      seed: plan.seed,
      name: `${pool.plan.id}/${++office.elections}`,
      device: pool.device,
      latencyUs: plan.network.latencyUs,
      last: parts.last,
      by: parts.by,
      storeIsUp: () => !this.#storeDown,
      at,
      now,
      elected: (takeover) => this.#takeOver(office, takeover),
    })
    office.election = election
    at(now() + parts.afterUs, () => election.begin())
  }

  /** What the store has of an owner who is no more, or will have when it is back. */
  #committed(office: Office): LastCommit | 'lost' {
    return this.#forgetting ? 'lost' : this.#lastCommit(office, false)
  }

  #lastCommit({ pool, epoch }: Office, vacant: boolean): LastCommit {
    return { epoch, state: pool.machine.pack(), vacant }
  }

  // --- what comes back ---

  #takeOver(office: Office, { epoch, nonce, state, device }: Takeover & { readonly nonce: number }): void {
    const { pool } = office
    const now = this.#world.now()
    const packed = state === null ? null : (poolStateIn(state) ?? null)
    const held = device === 'none' ? 'silent' : device
    pool.machine = new PoolMachine({ ...pool.options, epoch }, roundsBefore(packed))
    office.epoch = epoch
    office.nonce = nonce
    office.silent = held === 'silent'
    office.election = undefined
    const effects = [...pool.machine.takeOver(now, packed, held), ...pool.machine.step(now, { kind: 'wake' })]
    this.#world.perform(pool, withNewestDocuments(effects))
    for (const record of office.blamed) record.owned(now)
    office.blamed = []
    if (!this.#storeDown) this.#resume(office)
    if (office.silent && !pool.device.down) this.deviceIsBack(pool.device)
  }

  /** The owner has a store: he decides, and reads what was said while there was none of either. */
  #resume(office: Office): void {
    const { pool, letters, heartbeats, shares } = office
    pool.muted = false
    pool.armedUs = Infinity
    this.#world.perform(pool, [])
    office.letters = []
    office.shares = undefined
    const beats = [...heartbeats.values()]
    heartbeats.clear()
    if (shares) this.#world.tellPool(pool, { kind: 'shares', document: shares })
    for (const message of [...letters, ...beats]) {
      // He may have given the office up over one of them.
      if (!this.owns(pool)) this.#keep(office, message)
      else if (!this.#outranks(office, message)) this.#world.tellPool(pool, { kind: 'message', message })
    }
  }

  /** The group can be asked again: what owners told it meanwhile is lost. */
  deviceIsBack(device: DeviceHost): void {
    const { at, now } = this.#world
    const office = this.#office(this.#world.pools[device.index])
    if (!office.silent) return this.askMapping(office.pool)
    // An owner without the device's answer asks for it now and then, and begins anew with it.
    at(now() + defaultOwnerTimings.fenceUs, () => {
      if (!office.silent || office.election !== undefined || device.down) return
      const last = this.#lastCommit(office, true)
      this.#vacate(office, { record: undefined, last, by: 'last owner', afterUs: 0 })
    })
  }

  /** After everything that an owner tells its device he asks what is mapped. */
  askMapping(pool: PoolHost): void {
    const { plan, at, now } = this.#world
    const office = this.#office(pool)
    if (office.asking) return
    office.asking = true
    at(now() + 2 * plan.network.latencyUs, () => {
      office.asking = false
      const { epoch, nonce } = office
      if (pool.muted || pool.device.down) return
      const [answer] = pool.device.machine.step(now(), { kind: 'fence', epoch, nonce })
      if (answer.kind === 'fenced') this.#world.tellPool(pool, { kind: 'mapping', held: answer.held })
    })
  }

  // --- what is said ---

  /** Whether a letter does not reach its reader now: it is lost with the store, or waits there for the next owner. */
  intercepts(letter: Letter): boolean {
    if (this.#storeDown) return true
    if (letter.kind !== 'message' && letter.kind !== 'shares') return false
    const office = this.#office(letter.pool)
    if (letter.kind === 'shares') {
      if (!letter.pool.muted) return false
      office.shares = letter.document
    } else if (letter.pool.muted) this.#keep(office, letter.message)
    else return this.#outranks(office, letter.message)
    return true
  }

  #keep(office: Office, message: EngineMessage): void {
    if (message.kind === 'heartbeat') office.heartbeats.set(message.engine, message)
    else office.letters.push(message)
  }

  /** An engine obeys an owner whom the store has forgotten: the office is given up, so that the next one is above his. */
  #outranks(office: Office, message: EngineMessage): boolean {
    if (message.kind !== 'heartbeat' || message.epoch <= office.epoch) return false
    const last = { ...this.#lastCommit(office, true), epoch: message.epoch }
    this.#vacate(office, { record: undefined, last, by: 'last owner', afterUs: 0 })
    this.#keep(office, message)
    return true
  }

  #office(pool: PoolHost): Office {
    const office = this.#offices.get(pool)
    invariant(office !== undefined, () => `pool ${pool.plan.id} has no office`)
    return office
  }
}

/** What the store had of a pool is gone. */
function forget(office: Office): void {
  office.election?.store.clear()
  office.letters = []
  office.heartbeats.clear()
  office.shares = undefined
}

/** One commit has one document for each engine: what the first round says replaces what taking over has said. */
function withNewestDocuments(effects: readonly PoolEffect[]): readonly PoolEffect[] {
  const newest = new Map<string, PoolEffect>()
  for (const effect of effects) if (effect.kind === 'document') newest.set(effect.document.engine, effect)
  return effects.filter(
    (effect) => effect.kind !== 'document' || newest.get(effect.document.engine) === effect,
  )
}

function officeOf(pool: PoolHost): Office {
  return {
    pool,
    epoch: 1,
    nonce: 1,
    silent: false,
    asking: false,
    elections: 0,
    election: undefined,
    blamed: [],
    letters: [],
    heartbeats: new Map(),
    shares: undefined,
  }
}
