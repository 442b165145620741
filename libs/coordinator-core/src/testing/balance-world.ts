import type { CoordinatorPresence } from '@kvasir/contracts'
import { EventHeap, type Micros, SeededRng } from '@kvasir/kernel'
import { type BalanceInput, BalanceMachine } from '../owner/balance-machine.js'
import { Ear } from '../owner/heard.js'
import type { Hosted } from '../owner/hosted.js'
import { type OwnerInput, OwnerMachine } from '../owner/owner-machine.js'
import { defaultOwnerTimings } from '../owner/owner-timings.js'
import { MemoryStore } from '../store/memory-store.js'

/** Decides nothing. */
const idle: Hosted = {
  step: () => ({ documents: [], log: [], device: [], retired: [], changed: false }),
  nextDeadline: () => undefined,
  pack: () => '',
}

/** Nothing is said here. */
const deaf = new Ear({ letter: () => undefined, heartbeat: () => undefined, word: () => undefined })

interface Coordinator {
  readonly name: string
  readonly owners: ReadonlyMap<string, OwnerMachine>
  readonly balance: BalanceMachine
  /** By actor, when its machine is woken next. */
  readonly wakes: Map<string, Micros>
  alive: boolean
}

/** Several coordinators that share several actors, in virtual time: each has an owner's machine for each of them. */
export class BalanceWorld {
  readonly coordinators: Coordinator[] = []
  /** Offices that were handed over, by whom. */
  readonly handedOver: string[] = []
  readonly #stores: ReadonlyMap<string, MemoryStore>
  readonly #presences = new Map<string, CoordinatorPresence>()
  readonly #rng: SeededRng
  readonly #events = new EventHeap()
  readonly #acts: (() => void)[] = []
  #now: Micros = 0

  constructor(seed: number, actors: number) {
    this.#rng = new SeededRng(seed, 'balance-world')
    this.#stores = new Map(Array.from({ length: actors }, (_, i) => [`p${i}`, new MemoryStore()]))
  }

  start(name: string): void {
    const owners = [...this.#stores.keys()].map((actor) => [actor, this.#owner(`${name}/${actor}`)] as const)
    const balance = new BalanceMachine(name)
    const coordinator = { name, owners: new Map(owners), balance, wakes: new Map(), alive: true }
    this.coordinators.push(coordinator)
    for (const [actor] of owners) this.#tell(coordinator, actor, { kind: 'wake' })
    this.#tellBalance(coordinator, { kind: 'wake' })
  }

  kill(name: string): void {
    for (const coordinator of this.coordinators) if (coordinator.name === name) coordinator.alive = false
  }

  /** Offices of each that is alive, in order of start. */
  get offices(): readonly number[] {
    return this.coordinators.filter(({ alive }) => alive).map((coordinator) => held(coordinator).length)
  }

  run(forUs: Micros): void {
    const until = this.#now + forUs
    while (this.#events.size > 0 && this.#events.peekTime() <= until) {
      const act = this.#events.pop()
      this.#now = this.#events.time
      this.#acts[act]()
    }
    this.#now = until
  }

  #owner(name: string): OwnerMachine {
    const rng = new SeededRng(this.#rng.int(2 ** 31), name)
    return new OwnerMachine({
      timings: defaultOwnerTimings,
      process: name,
      rng,
      device: false,
      host: () => idle,
    })
  }

  #later(delayUs: Micros, act: () => void): void {
    this.#events.push(this.#now + delayUs, 0, this.#acts.push(act) - 1)
  }

  #tell(coordinator: Coordinator, actor: string, input: OwnerInput): void {
    const machine = coordinator.owners.get(actor)
    const store = this.#stores.get(actor)
    if (!coordinator.alive || !machine || !store) return
    for (const effect of machine.step(this.#now, input)) {
      if (effect.kind === 'store') {
        const { id, command } = effect
        this.#later(100 + this.#rng.int(400), () => {
          const found = store.own(command)
          const answer = found.kind === 'peeked' ? deaf.hear(found) : found
          this.#later(100, () => this.#tell(coordinator, actor, { kind: 'stored', id, answer }))
        })
      } else if (effect.kind === 'took_office' || effect.kind === 'left_office')
        this.#tellBalance(coordinator, { kind: 'held', offices: held(coordinator) })
    }
    this.#arm(coordinator, actor, machine.nextDeadline() ?? Infinity)
  }

  #arm(coordinator: Coordinator, actor: string, deadline: Micros): void {
    const { wakes } = coordinator
    const at = Math.max(deadline, this.#now)
    const set = wakes.get(actor) ?? -1
    if (deadline === Infinity || (set > this.#now && set <= at)) return
    wakes.set(actor, at)
    this.#later(at - this.#now, () => {
      if (wakes.get(actor) !== at) return
      wakes.delete(actor)
      this.#tell(coordinator, actor, { kind: 'wake' })
    })
  }

  #tellBalance(coordinator: Coordinator, input: BalanceInput): void {
    if (!coordinator.alive) return
    for (const effect of coordinator.balance.step(this.#now, input)) {
      if (effect.kind === 'say') {
        this.#presences.set(coordinator.name, effect.presence)
        this.#later(200, () =>
          this.#tellBalance(coordinator, { kind: 'seen', presences: [...this.#presences.values()] }),
        )
        const next = coordinator.balance.nextDeadline() - this.#now
        this.#later(next, () => this.#tellBalance(coordinator, { kind: 'wake' }))
      } else if (effect.kind === 'hand_over') {
        this.handedOver.push(`${coordinator.name} ${effect.actor}`)
        this.#tell(coordinator, effect.actor, effect)
      } else for (const actor of coordinator.owners.keys()) this.#tell(coordinator, actor, effect)
    }
  }
}

function held({ owners }: Coordinator): string[] {
  return [...owners].filter(([, machine]) => machine.owns).map(([actor]) => actor)
}
