import type { DeviceAnswer } from '@kvasir/contracts'
import type {
  Bell,
  OwnerEffect,
  OwnerInput,
  OwnerMachine,
  PeerAnswer,
  Speech,
  StoreCommand,
  Tick,
} from '@kvasir/coordinator-core'
import type { Device, DeviceLine } from '@kvasir/devices'
import { monotonicClock } from '@kvasir/devices'
import type { Clock, Micros } from '@kvasir/kernel'
import type { ActorStore } from './actor-store.js'
import { Alarm } from './alarm.js'
import { BellBasket } from './bell-basket.js'
import type { Ears } from './ears.js'
import { Newest } from './newest.js'

export interface OwnerDriverOptions<S extends Speech> {
  readonly machine: OwnerMachine<S>
  readonly store: ActorStore
  /** Between them. */
  readonly ears: Ears<S>
  /** Absent for an actor without a device. */
  readonly device?: Device
  /** The actor of which this one is a peer: where its reports go, and words come from. */
  readonly above?: { readonly store: ActorStore; readonly peer: string }
  readonly clock?: Clock
  /** Hears of every effect, after it was carried out. */
  readonly observe?: (effect: OwnerEffect) => void
}

/** Pause before a device that could not be reached is tried again. */
const RETRY_MS = 200

/** Runs one process's part in owning one actor: the only place of it that waits. */
export class OwnerDriver<S extends Speech = Speech> {
  readonly #options: OwnerDriverOptions<S>
  readonly #clock: Clock
  readonly #alarm: Alarm
  #line: DeviceLine | undefined
  /** The last line was lost, and what was said over it may be. */
  #lineLost = false
  #retry: NodeJS.Timeout | undefined
  #silence: (() => void)[] = []
  /** The word that was passed on last. */
  #word: string | null = null
  readonly #words = new Newest<string>((text) => this.#hearWord(text))
  /** What rang and is not heard yet, and whether somebody is about to. */
  readonly #basket = new BellBasket()
  #listening = false
  #hearing: Promise<unknown> | undefined
  #fencing: number | undefined
  #stopped: (() => void) | undefined

  constructor(options: OwnerDriverOptions<S>) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = new Alarm(this.#clock, () => this.#tell({ kind: 'wake' }))
  }

  async start(): Promise<void> {
    const { store, above } = this.#options
    this.#silence.push(await store.onBell((bell) => this.#bell(bell)))
    if (above) this.#silence.push(await above.store.onTick(above.peer, (tick) => this.#ticked(tick)))
    this.#tell({ kind: 'wake' })
  }

  /** Hands the actor over to another process, if this one owns it. */
  handOver(): void {
    this.#tell({ kind: 'hand_over' })
  }

  /** For how long a vacant office is left to others from now on. */
  reluctance(waitUs: Micros): void {
    this.#tell({ kind: 'reluctance', waitUs })
  }

  /** Hands the actor over, if this process owns it. Resolves when that is done, or after `withinMs`. */
  async stop(withinMs = 1_000): Promise<void> {
    const handedOver = new Promise<void>((resolve) => {
      this.#stopped = resolve
    })
    this.#tell({ kind: 'stop' })
    if (!this.#options.machine.owns) this.#stopped?.()
    await Promise.race([handedOver, new Promise((resolve) => setTimeout(resolve, withinMs).unref())])
    for (const silence of this.#silence) silence()
    this.#alarm.stop()
    this.#hangUp()
  }

  #tell(input: OwnerInput<S>): void {
    const { machine, observe } = this.#options
    for (const effect of machine.step(this.#clock.now(), input)) {
      this.#perform(effect)
      observe?.(effect)
    }
    this.#alarm.set(machine.nextDeadline())
  }

  #perform(effect: OwnerEffect): void {
    switch (effect.kind) {
      case 'store':
        return void this.#carryOut(effect.id, effect.command)
      case 'fence':
        this.#fencing = effect.epoch
        return this.#toDevice()?.send(effect)
      case 'device':
        return this.#toDevice()?.send(effect.command)
      case 'report':
        return void this.#report(effect.text)
      case 'left_office':
        this.#hangUp()
        return this.#stopped?.()
      case 'took_office':
        this.#word = null
        return void this.#readWord()
    }
  }

  async #carryOut(id: number, command: StoreCommand): Promise<void> {
    const { store, ears } = this.#options
    const answer = await store.own(command)
    const heard = answer.kind === 'peeked' ? await this.#inTurn(() => ears.hear(answer)) : answer
    this.#tell({ kind: 'stored', id, answer: heard })
  }

  /** What comes together is heard together. Whoever owns nothing hears nothing. */
  #bell(bell: Bell): void {
    if (!this.#options.machine.owns) return
    if (bell.kind === 'rang') return this.#tell({ kind: 'bell', peer: bell.peer })
    if (!this.#basket.put(bell))
      return this.#tell({ kind: 'bell', peer: bell.kind === 'letter' ? bell.letter.peer : bell.peer })
    if (this.#listening) return
    this.#listening = true
    process.nextTick(() => void this.#listen())
  }

  async #listen(): Promise<void> {
    const { ears } = this.#options
    for (let said = this.#basket.empty(); said; said = this.#basket.empty()) {
      const texts = said
      const messages = await this.#inTurn(() => ears.listen(texts))
      this.#tell({ kind: 'rung', messages })
    }
    this.#listening = false
  }

  /** One is heard after the other, so that messages of one peer are heard in their order. */
  async #inTurn<T>(hear: () => T | Promise<T>): Promise<T> {
    const before = this.#hearing
    const heard = before ? before.then(hear) : Promise.resolve(hear())
    this.#hearing = heard
    const result = await heard
    if (this.#hearing === heard) this.#hearing = undefined
    return result
  }

  async #report(text: string): Promise<void> {
    const { above } = this.#options
    if (!above) return
    this.#heard(await above.store.peer({ kind: 'beat', peer: above.peer, text, ring: true }))
  }

  #ticked(tick: Tick): void {
    if (tick.kind === 'missed') void this.#readWord()
    else if (tick.kind === 'document') this.#heard({ kind: 'document', text: tick.text })
  }

  async #readWord(): Promise<void> {
    const { above } = this.#options
    if (above) this.#heard(await above.store.peer({ kind: 'read', peer: above.peer }))
  }

  /** What is lost is said again: the actor above tells its peers something every second. */
  #heard(answer: PeerAnswer): void {
    if (answer.kind !== 'document' || answer.text === null || answer.text === this.#word) return
    this.#word = answer.text
    this.#words.offer(answer.text)
  }

  async #hearWord(text: string): Promise<void> {
    const word = await this.#options.ears.word(text)
    if (word !== undefined) this.#tell({ kind: 'word', word })
  }

  #toDevice(): DeviceLine | undefined {
    clearTimeout(this.#retry)
    this.#line ??= this.#options.device?.connect({
      connected: () => {
        if (this.#lineLost) this.#tell({ kind: 'device_back' })
        this.#lineLost = false
      },
      answer: (answer, highestEpoch) => this.#answered(answer, highestEpoch),
      lost: () => {
        this.#line = undefined
        this.#lineLost = true
        this.#retry = setTimeout(() => this.#toDevice(), RETRY_MS)
      },
    })
    return this.#line
  }

  /** As long as the office lasts there is a line; without one, nobody is waited for. */
  #hangUp(): void {
    clearTimeout(this.#retry)
    this.#line?.close()
    this.#line = undefined
    this.#lineLost = false
  }

  #answered(answer: DeviceAnswer, highestEpoch: number | undefined): void {
    const epoch = this.#fencing
    if (answer.kind === 'fenced') this.#tell({ kind: 'fenced', epoch: answer.epoch, held: answer.held })
    else if (answer.kind === 'refused' && answer.command === 'fence' && epoch !== undefined)
      this.#tell({ kind: 'fence_refused', epoch, highest: highestEpoch ?? epoch })
  }
}
