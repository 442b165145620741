import { coordinatorPresenceSchema, type CoordinatorPresence, parseDocument } from '@kvasir/contracts'
import { BalanceMachine, BEFORE_ALL, type BalanceInput, PRESENCE_ACTOR } from '@kvasir/coordinator-core'
import { monotonicClock } from '@kvasir/devices'
import type { Clock, Micros } from '@kvasir/kernel'
import type { ActorStore, ActorStores } from './actor-store.js'
import { Alarm } from './alarm.js'

export interface BalanceDriverOptions {
  readonly coordinator: string
  readonly stores: ActorStores
  handOver(actor: string): void
  /** A vacant office is left to others for so long from now on. */
  reluctance(waitUs: Micros): void
  readonly clock?: Clock
}

/** Runs one coordinator's part in sharing the offices: says that it is there, looks who else is, and hands over what is too much. */
export class BalanceDriver {
  readonly #options: BalanceDriverOptions
  readonly #store: ActorStore
  readonly #machine: BalanceMachine
  readonly #clock: Clock
  readonly #alarm: Alarm
  /** Coordinators that have ever said anything. */
  #peers: readonly string[] = []
  #stopped = false

  constructor(options: BalanceDriverOptions) {
    this.#options = options
    this.#store = options.stores.actor(PRESENCE_ACTOR)
    this.#machine = new BalanceMachine(options.coordinator)
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = new Alarm(this.#clock, () => this.#tell({ kind: 'wake' }))
  }

  start(): void {
    this.#tell({ kind: 'wake' })
  }

  /** The offices of this process are others now. */
  held(offices: readonly string[]): void {
    this.#tell({ kind: 'held', offices })
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.stop()
  }

  #tell(input: BalanceInput): void {
    if (this.#stopped) return
    for (const effect of this.#machine.step(this.#clock.now(), input)) {
      if (effect.kind === 'say') void this.#meet(effect.presence)
      else if (effect.kind === 'hand_over') this.#options.handOver(effect.actor)
      else this.#options.reluctance(effect.waitUs)
    }
    this.#alarm.set(this.#machine.nextDeadline())
  }

  /** What fails is done again in a second. */
  async #meet(presence: CoordinatorPresence): Promise<void> {
    const { coordinator: peer } = presence
    await this.#store.peer({ kind: 'beat', peer, text: JSON.stringify(presence), ring: false })
    const positions = this.#peers.map((known) => ({ peer: known, position: BEFORE_ALL }))
    const answer = await this.#store.own({ kind: 'peek', positions, limit: 0 })
    if (answer.kind !== 'peeked') return
    this.#peers = answer.peers ?? []
    this.#tell({ kind: 'seen', presences: answer.heartbeats.flatMap(({ text }) => presenceIn(text)) })
  }
}

function presenceIn(text: string): readonly CoordinatorPresence[] {
  try {
    const parsed = parseDocument(coordinatorPresenceSchema, JSON.parse(text))
    return parsed.kind === 'parsed' ? [parsed.value] : []
  } catch {
    return []
  }
}
