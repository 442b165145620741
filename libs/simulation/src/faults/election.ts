import {
  defaultOwnerTimings,
  type Hosted,
  MemoryStore,
  type OwnerEffect,
  type OwnerInput,
  OwnerMachine,
  type PoolSpeech,
  type PoolState,
  type StoreCommand,
  type Takeover,
} from '@kvasir/coordinator-core'
import { type Epoch, type Micros, SeededRng } from '@kvasir/kernel'
import type { DeviceHost } from '../build.js'

/** The last owner's office in the store's record. */
const LAST_OFFICE = { by: 'the last owner', term: 1 } as const

/** What an owner's machine takes for a command that was not answered (`redis-store`: `timeouts.command`). */
const COMMAND_TIMEOUT_US: Micros = 400_000

/** What the last owner's newest commit said. `vacant`: it was his last, so nobody need wait for him. */
export interface LastCommit {
  readonly epoch: Epoch
  readonly state: PoolState
  readonly vacant: boolean
}

export interface ElectionParts {
  readonly seed: number
  /** Tells the elections of a run apart. */
  readonly name: string
  readonly device: DeviceHost
  /** One way, to the store and to the device. */
  readonly latencyUs: Micros
  readonly last: LastCommit | 'lost'
  /** Who takes over: the process of the last owner, which lives and has left its office, or another one. */
  readonly by: 'last owner' | 'another'
  storeIsUp(): boolean
  at(us: Micros, act: () => void): void
  now(): Micros
  elected(takeover: Takeover & { readonly nonce: number }): void
}

/**
 * A process that takes over a pool without an owner, by the protocol that live processes run: its `OwnerMachine` watches the store,
 * acquires the pool, fences the device and begins. What it would do in office is the simulation's business.
 */
export class Election {
  readonly store: MemoryStore
  readonly #parts: ElectionParts
  readonly #machine: OwnerMachine<PoolSpeech>
  #takeover: Takeover | undefined
  #nonce = 0
  #wakeUs: Micros = Infinity
  #over = false

  constructor(parts: ElectionParts) {
    this.#parts = parts
    this.store = storeAfter(parts.last)
    this.#machine = new OwnerMachine<PoolSpeech>({
      timings: defaultOwnerTimings,
      process: parts.name,
      rng: new SeededRng(parts.seed, parts.name),
      device: true,
      ...(parts.by === 'last owner' ? { lastOffice: LAST_OFFICE } : {}),
      host: (_now, takeover) => {
        this.#takeover = takeover
        return nobody
      },
    })
  }

  /** The process begins to watch at a moment of its own within one poll from now. */
  begin(): void {
    const { now, at, seed, name } = this.#parts
    const phase = new SeededRng(seed, `${name}/phase`).uniform()
    at(now() + Math.round(phase * defaultOwnerTimings.pollUs), () => this.#tell({ kind: 'wake' }))
  }

  #tell(input: OwnerInput<PoolSpeech>): void {
    if (this.#over) return
    for (const effect of this.#machine.step(this.#parts.now(), input)) this.#perform(effect)
    this.#arm()
  }

  #arm(): void {
    const deadline = this.#machine.nextDeadline()
    if (this.#over || deadline === undefined || deadline === Infinity || deadline >= this.#wakeUs) return
    const atUs = Math.max(deadline, this.#parts.now())
    this.#wakeUs = atUs
    this.#parts.at(atUs, () => {
      if (this.#wakeUs !== atUs) return
      this.#wakeUs = Infinity
      this.#tell({ kind: 'wake' })
    })
  }

  #perform(effect: OwnerEffect): void {
    if (this.#over) return
    if (effect.kind === 'store') this.#carry(effect.id, effect.command)
    else if (effect.kind === 'fence') this.#fence(effect)
    else if (effect.kind === 'took_office' && this.#takeover) {
      this.#over = true
      this.#parts.elected({ ...this.#takeover, nonce: this.#nonce })
    }
  }

  #carry(id: number, command: StoreCommand): void {
    const { latencyUs, storeIsUp } = this.#parts
    this.#later(latencyUs, () => {
      const answer = storeIsUp() ? this.store.own(command) : undefined
      if (answer === undefined || answer.kind === 'peeked') {
        const failed = { kind: 'failed', detail: 'no answer' } as const
        this.#later(COMMAND_TIMEOUT_US, () => this.#tell({ kind: 'stored', id, answer: failed }))
      } else this.#later(latencyUs, () => this.#tell({ kind: 'stored', id, answer }))
    })
  }

  /** A device that is down answers nothing. */
  #fence({ epoch, nonce }: Extract<OwnerEffect, { kind: 'fence' }>): void {
    const { latencyUs, device, now } = this.#parts
    this.#nonce = nonce
    this.#later(latencyUs, () => {
      if (device.down) return
      const [answer] = device.machine.step(now(), { kind: 'fence', epoch, nonce })
      const input: OwnerInput<PoolSpeech> =
        answer.kind === 'fenced'
          ? { kind: 'fenced', epoch, held: answer.held }
          : { kind: 'fence_refused', epoch, highest: device.machine.epoch }
      this.#later(latencyUs, () => this.#tell(input))
    })
  }

  #later(us: Micros, act: () => void): void {
    this.#parts.at(this.#parts.now() + us, act)
  }
}

/** In place of what would decide in office. */
const nobody: Hosted<PoolSpeech> = {
  step: () => ({ documents: [], log: [], device: [], retired: [], changed: false }),
  nextDeadline: () => undefined,
  pack: () => '',
}

/** A store that has been told no more than the last owner's newest commit. */
function storeAfter(last: LastCommit | 'lost'): MemoryStore {
  const store = new MemoryStore()
  if (last === 'lost') return store
  const { by, term } = LAST_OFFICE
  store.own({ kind: 'acquire', seen: null, by })
  store.own({
    kind: 'commit',
    commit: {
      term,
      by,
      version: 0,
      id: `${by}/1`,
      epoch: last.epoch,
      state: JSON.stringify(last.state),
      documents: [],
      log: [],
      positions: [],
      ...(last.vacant ? { last: true } : {}),
    },
  })
  return store
}
