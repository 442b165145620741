import type { DeviceAnswer } from '@kvasir/contracts'
import type { OwnerEffect, OwnerInput, OwnerMachine, PeerAnswer } from '@kvasir/coordinator-core'
import type { Device, DeviceLine } from '@kvasir/devices'
import { monotonicClock } from '@kvasir/devices'
import type { Clock } from '@kvasir/kernel'
import type { ActorStore } from './actor-store.js'
import { Alarm } from './alarm.js'

export interface OwnerDriverOptions {
  readonly machine: OwnerMachine
  readonly store: ActorStore
  /** Absent for an actor without a device. */
  readonly device?: Device
  /** The actor of which this one is a peer: where its reports go, and words come from. */
  readonly above?: { readonly store: ActorStore; readonly peer: string }
  readonly clock?: Clock
  /** Hears of every effect, after it was carried out. */
  readonly observe?: (effect: OwnerEffect) => void
}

/** Runs one process's part in owning one actor: the only place of it that waits. */
export class OwnerDriver {
  readonly #options: OwnerDriverOptions
  readonly #clock: Clock
  readonly #alarm: Alarm
  #line: DeviceLine | undefined
  #silence: (() => void)[] = []
  /** The word that was passed on last. */
  #word: string | null = null
  #fencing: number | undefined
  #stopped: (() => void) | undefined

  constructor(options: OwnerDriverOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = new Alarm(this.#clock, () => this.#tell({ kind: 'wake' }))
  }

  async start(): Promise<void> {
    const { store, above } = this.#options
    this.#silence.push(await store.onBell(() => this.#tell({ kind: 'bell' })))
    if (above) this.#silence.push(await above.store.onTick(above.peer, () => void this.#readWord()))
    this.#tell({ kind: 'wake' })
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
    this.#line?.close()
  }

  #tell(input: OwnerInput): void {
    const { machine, observe } = this.#options
    for (const effect of machine.step(this.#clock.now(), input)) {
      this.#perform(effect)
      observe?.(effect)
    }
    this.#alarm.set(machine.nextDeadline())
  }

  #perform(effect: OwnerEffect): void {
    switch (effect.kind) {
      case 'store': {
        const { id, command } = effect
        void this.#options.store.own(command).then((answer) => this.#tell({ kind: 'stored', id, answer }))
        return
      }
      case 'fence':
        this.#fencing = effect.epoch
        return this.#toDevice()?.send(effect)
      case 'device':
        return this.#toDevice()?.send(effect.command)
      case 'report':
        return void this.#report(effect.text)
      case 'left_office':
        this.#line?.close()
        this.#line = undefined
        return this.#stopped?.()
      case 'took_office':
        this.#word = null
        return void this.#readWord()
    }
  }

  async #report(text: string): Promise<void> {
    const { above } = this.#options
    if (!above) return
    this.#heard(await above.store.peer({ kind: 'beat', peer: above.peer, text, ring: true }))
  }

  async #readWord(): Promise<void> {
    const { above } = this.#options
    if (above) this.#heard(await above.store.peer({ kind: 'read', peer: above.peer }))
  }

  /** What is lost is said again: the actor above tells its peers something every second. */
  #heard(answer: PeerAnswer): void {
    if (answer.kind !== 'document' || answer.text === null || answer.text === this.#word) return
    this.#word = answer.text
    this.#tell({ kind: 'word', text: answer.text })
  }

  #toDevice(): DeviceLine | undefined {
    this.#line ??= this.#options.device?.connect({
      answer: (answer, highestEpoch) => this.#answered(answer, highestEpoch),
      lost: () => {
        this.#line = undefined
      },
    })
    return this.#line
  }

  #answered(answer: DeviceAnswer, highestEpoch: number | undefined): void {
    const epoch = this.#fencing
    if (answer.kind === 'fenced') this.#tell({ kind: 'fenced', epoch: answer.epoch, held: answer.held })
    else if (answer.kind === 'refused' && answer.command === 'fence' && epoch !== undefined)
      this.#tell({ kind: 'fence_refused', epoch, highest: highestEpoch ?? epoch })
  }
}
