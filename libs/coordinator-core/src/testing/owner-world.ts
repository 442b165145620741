import { EventHeap, type Micros, SeededRng } from '@kvasir/kernel'
import { Ear } from '../owner/heard.js'
import type { Hosted, HostedInput, HostedOutput, Takeover } from '../owner/hosted.js'
import { type OwnerEffect, type OwnerInput, OwnerMachine } from '../owner/owner-machine.js'
import { defaultOwnerTimings } from '../owner/owner-timings.js'
import { MemoryStore } from '../store/memory-store.js'
import type { StoreCommand } from '../store/store.js'

export interface Faults {
  /** Share of store commands whose answer is lost, half of them before they were carried out. */
  readonly lostAnswers: number
  /** Whether the store forgets its newest writes now and then. */
  readonly forgets: boolean
  /** Whether processes stop for a while and go on. */
  readonly pauses: boolean
}

export const noFaults: Faults = { lostAnswers: 0, forgets: false, pauses: false }

const noAnswer = { kind: 'failed', detail: 'no answer' } as const

interface Process {
  readonly name: string
  readonly machine: OwnerMachine<Texts>
  readonly ear: Ear<Texts>
  alive: boolean
  pausedUntil: Micros
  /** Inputs that came while it was paused. */
  held: OwnerInput<Texts>[]
  wakeAt: Micros
}

/** Nothing is read of what is said here. */
interface Texts {
  readonly letter: string
  readonly heartbeat: string
  readonly word: string
}

const asItIs = (text: string) => text
const newEar = () => new Ear<Texts>({ letter: asItIs, heartbeat: asItIs, word: asItIs })

/** Remembers the highest number of every peer: what it has processed, in order and once. */
class Tally implements Hosted<Texts> {
  readonly last: Map<string, number>
  readonly skipped: string[]

  constructor(takeover: Takeover, skipped: string[]) {
    this.last = new Map(takeover.state === null ? [] : (JSON.parse(takeover.state) as [string, number][]))
    this.skipped = skipped
  }

  nextDeadline(): undefined {
    return undefined
  }

  pack(): string {
    return JSON.stringify([...this.last])
  }

  step(_now: Micros, input: HostedInput<Texts>): HostedOutput {
    const nothing = { documents: [], log: [], device: [], retired: [], changed: false }
    if (input.kind !== 'letter') return nothing
    const number = Number(input.message)
    const last = this.last.get(input.peer) ?? 0
    if (number <= last) return nothing
    if (number > last + 1) this.skipped.push(`${input.peer}: ${number} after ${last}`)
    this.last.set(input.peer, number)
    return {
      ...nothing,
      documents: [{ peer: input.peer, body: { number } }],
      log: [`${input.peer}/${number}`],
      changed: true,
    }
  }
}

/**
 * Several processes that want to own one actor, its store, its device and peers that say something, in virtual time. Watches what must
 * hold whatever fails: commits of one epoch come from one owner, and the device's epoch never falls.
 */
export class OwnerWorld {
  readonly store = new MemoryStore(40)
  readonly processes: Process[]
  readonly history: { readonly at: Micros; readonly process: string; readonly what: string }[] = []
  readonly violations: string[] = []
  readonly skipped: string[] = []
  readonly rng: SeededRng
  now: Micros = 0
  deviceEpoch = 0
  #deviceNonce = 0
  readonly #ownerOfEpoch = new Map<number, string>()
  readonly #faults: Faults
  readonly #events = new EventHeap()
  /** Acts by the number that the heap carries. */
  readonly #acts: (() => void)[] = []
  storeUp = true

  constructor(seed: number, count: number, faults: Faults) {
    this.rng = new SeededRng(seed, 'owner-world')
    this.#faults = faults
    this.processes = Array.from({ length: count }, (_, i) => this.#process(`p${i}`, seed + i))
    for (const process of this.processes) this.#tell(process, { kind: 'wake' })
  }

  owner(): Process | undefined {
    return this.processes.find(({ alive, machine }) => alive && machine.owns)
  }

  /** When somebody last took office. */
  lastOffice(): Micros {
    return this.history.findLast(({ what }) => what === 'took_office')?.at ?? -1
  }

  kill(process: Process): void {
    process.alive = false
  }

  say(peer: string, number: number): void {
    const command = { kind: 'say', peer, text: String(number) } as const
    const bell = this.store.bellOf(command, this.store.peer(command))
    const fate = this.rng.uniform()
    if (bell?.kind !== 'letter' || fate < 0.1) return
    for (const process of this.processes)
      this.#later(50, () => {
        const messages = process.ear.listen({ letters: [bell.letter], heartbeats: [] })
        this.#tell(process, fate < 0.3 ? { kind: 'bell', peer } : { kind: 'rung', messages })
      })
  }

  at(time: Micros, act: () => void): void {
    this.#events.push(time, 0, this.#acts.push(act) - 1)
  }

  run(untilUs: Micros): void {
    while (this.#events.size > 0 && this.#events.peekTime() <= untilUs) {
      const act = this.#events.pop()
      this.now = this.#events.time
      this.#acts[act]()
    }
    this.now = untilUs
  }

  tell(process: Process, input: OwnerInput<Texts>): void {
    this.#tell(process, input)
  }

  #process(name: string, seed: number): Process {
    const machine = new OwnerMachine<Texts>({
      timings: defaultOwnerTimings,
      process: name,
      rng: new SeededRng(seed, name),
      device: true,
      host: (_now, takeover) => new Tally(takeover, this.skipped),
    })
    return { name, machine, ear: newEar(), alive: true, pausedUntil: 0, held: [], wakeAt: Infinity }
  }

  #later(delay: Micros, act: () => void): void {
    this.at(this.now + delay, act)
  }

  #tell(process: Process, input: OwnerInput<Texts>): void {
    if (!process.alive) return
    if (this.#faults.pauses && process.pausedUntil <= this.now && this.rng.uniform() < 0.001)
      process.pausedUntil = this.now + 200_000 + this.rng.int(6_000_000)
    if (process.pausedUntil > this.now) {
      if (process.held.length === 0) this.at(process.pausedUntil, () => this.#resume(process))
      process.held.push(input)
      return
    }
    for (const effect of process.machine.step(this.now, input)) this.#perform(process, effect)
    this.#arm(process)
  }

  #resume(process: Process): void {
    const { held } = process
    process.held = []
    for (const input of held) this.#tell(process, input)
  }

  #arm(process: Process): void {
    const deadline = process.machine.nextDeadline()
    if (deadline === undefined || deadline === Infinity) return
    const at = Math.max(deadline, this.now)
    if (process.wakeAt <= at && process.wakeAt > this.now) return
    process.wakeAt = at
    this.at(at, () => {
      if (process.wakeAt === at) process.wakeAt = Infinity
      this.#tell(process, { kind: 'wake' })
    })
  }

  #perform(process: Process, effect: OwnerEffect): void {
    const { name } = process
    switch (effect.kind) {
      case 'store':
        return this.#carry(process, effect.id, effect.command)
      case 'fence':
        return this.#later(300, () => this.#fence(process, effect.epoch, effect.nonce))
      case 'device':
        return
      case 'took_office':
      case 'left_office':
        this.history.push({ at: this.now, process: name, what: effect.kind })
    }
  }

  #carry(process: Process, id: number, command: StoreCommand): void {
    const fate = this.rng.uniform()
    const { lostAnswers } = this.#faults
    const lostBefore = fate < lostAnswers / 2 || !this.storeUp
    const lostAfter = fate < lostAnswers
    // A command may lie in a socket long after its sender has been replaced.
    const stuck = this.#faults.pauses && this.rng.uniform() < 0.002 ? this.rng.int(8_000_000) : 0
    if (stuck > 400_000)
      this.#later(400_000, () => this.#tell(process, { kind: 'stored', id, answer: noAnswer }))
    this.#later(100 + this.rng.int(400) + stuck, () => {
      const answer = lostBefore ? undefined : this.store.own(command)
      if (command.kind === 'commit' && answer?.kind === 'committed')
        this.#noteCommit(process, command.commit.epoch)
      if (this.#faults.forgets && this.rng.uniform() < 0.0005) this.store.forget(this.rng.int(30))
      const lost = lostBefore || lostAfter
      const heard = lost || !answer ? noAnswer : answer.kind === 'peeked' ? process.ear.hear(answer) : answer
      this.#later(lost ? 400_000 : 100, () => this.#tell(process, { kind: 'stored', id, answer: heard }))
    })
  }

  /** A commit under an epoch that the device has left behind changes nothing physical; among the others, one owner an epoch. */
  #noteCommit({ name }: Process, epoch: number): void {
    if (epoch < this.deviceEpoch) return
    const other = this.#ownerOfEpoch.get(epoch)
    if (other !== undefined && other !== name)
      this.violations.push(`epoch ${epoch}: commits of ${other} and ${name}`)
    this.#ownerOfEpoch.set(epoch, name)
  }

  #fence(process: Process, epoch: number, nonce: number): void {
    const refused = epoch < this.deviceEpoch || (epoch === this.deviceEpoch && nonce !== this.#deviceNonce)
    if (!refused) {
      this.deviceEpoch = epoch
      this.#deviceNonce = nonce
    }
    const highest = this.deviceEpoch
    this.#later(300, () =>
      this.#tell(
        process,
        refused ? { kind: 'fence_refused', epoch, highest } : { kind: 'fenced', epoch, held: [] },
      ),
    )
  }
}
