import type { DeviceCommand, EngineDocument, EngineMessage } from '@kvasir/contracts'
import { type Device, type DeviceLine, monotonicClock } from '@kvasir/devices'
import type { EngineEffect, EngineInput, EngineMachine } from '@kvasir/engine-core'
import type { Clock, Micros } from '@kvasir/kernel'
import { type FinishReason, finishReasons, type SequenceInput, type SequenceView } from '@kvasir/scheduler'
import type { ActorStore } from './actor-store.js'
import { Alarm } from './alarm.js'
import { type EngineMail, EngineMailbox } from './engine-mailbox.js'

/** What becomes of one sequence. Exactly one of `refused`, `finished` and `ended` is called, and nothing after it. */
export interface SequenceListener {
  /** It got so many tokens, one in most steps. */
  tokens(count: number): void
  /** It has all its tokens. */
  finished(reason: FinishReason, sequence: SequenceView): void
  refused(reason: string, detail: string): void
  /** It was accepted, and will not be finished. */
  ended(reason: string): void
}

/** What the driver of an engine tells whoever watches over the process. */
export type EngineNews =
  | { readonly kind: 'device_lost'; readonly reason: string; readonly sequences: number }
  /** It is tried again and again; said once. */
  | { readonly kind: 'device_unreachable'; readonly reason: string }
  /** Somebody writes what is not a document where the engine's document should be. */
  | { readonly kind: 'bad_document'; readonly problems: readonly string[] }

export interface EngineDriverOptions {
  readonly engine: string
  /** The store of its pool's owner. */
  readonly store: ActorStore
  readonly device: Device
  /** Makes the engine's machine; each run has a higher incarnation than the last one, also across processes. */
  machine(incarnation: number): EngineMachine
  /** Shortest time between two heartbeats of its own accord: what comes earlier is news that the owner should hear at once. */
  readonly heartbeatUs: Micros
  /** Who brings its messages and documents where that is not its own mailbox: documents then come by `document`. */
  readonly mail?: EngineMail
  /** Where clients reach the engine, as its heartbeats tell it; undefined as long as that is not known. */
  readonly url?: () => string | undefined
  readonly clock?: Clock
  /** Hears of every effect. */
  readonly observe?: (effect: EngineEffect) => void
  readonly news?: (news: EngineNews) => void
}

/** Pause before a device that could not be reached is tried again. */
const RETRY_MS = 200
/** How long what was under way waits for a lost line to come back: those who asked can be served elsewhere sooner than that. */
const ATTACH_WITHIN_MS = 2_000

interface Told {
  readonly input: EngineInput
  /** Whose sequence is submitted. */
  readonly listener: SequenceListener | undefined
}

/**
 * Runs one engine: carries messages between its machine, the store and the device, and sequences between it and those who asked for
 * them. When the line to the device is lost and comes back soon, the same run goes on with what the device still knows of it. Else what
 * was under way ends with the reason `engine_lost`, and once the device is there again the engine begins anew as another incarnation: not
 * earlier, for what the owner gives to an incarnation comes back late when no device can be asked.
 */
export class EngineDriver {
  readonly #options: EngineDriverOptions
  readonly #clock: Clock
  readonly #alarm: Alarm
  /** Of this run. */
  #incarnation = newIncarnation()
  #machine: EngineMachine
  /** In use; undefined while there is no device. */
  #line: DeviceLine | undefined
  /** Of the device that is being tried. */
  #trying: DeviceLine | undefined
  #unreachable = false
  /** Of the machine. Once it is over, the next line gets another one. */
  #run: 'to begin' | 'under way' | 'over' = 'to begin'
  /** Ends the run when the line that was lost does not come back in time. */
  #patience: NodeJS.Timeout | undefined
  readonly #mail: EngineMail
  /** Opened here, and not by whoever brought one. */
  readonly #ownMailbox: EngineMailbox | undefined
  /** What the machine is still to be told: a listener may speak while its effects are carried out. */
  readonly #inputs: Told[] = []
  #stepping = false
  /** By slot. */
  #listeners: (SequenceListener | undefined)[] = []
  #unfinished = 0
  #draining: (() => void) | undefined
  #stopped = false
  #retry: NodeJS.Timeout | undefined

  constructor(options: EngineDriverOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
    this.#alarm = new Alarm(this.#clock, () => this.#tell({ kind: 'wake' }))
    this.#machine = options.machine(this.#incarnation)
    if (options.mail) this.#mail = options.mail
    else this.#mail = this.#ownMailbox = this.#newMailbox()
  }

  /** The machine of the present incarnation, to read from. */
  get machine(): EngineMachine {
    return this.#machine
  }

  /** Whether it has its device, and a lease to work with. */
  get ready(): boolean {
    return this.#line !== undefined && !this.#leaving && this.#machine.lease.document?.member === true
  }

  /** Sequences accepted and without an end. */
  get unfinished(): number {
    return this.#unfinished
  }

  /** Resolves when the store has heard where to ring. */
  async start(): Promise<void> {
    this.#connect()
    await this.#ownMailbox?.open((document) => {
      this.document(document)
      return true
    })
  }

  /**
   * Takes no sequence any more, lets those it has come to an end, for at most `drainMs`; ends the others with a reason, gives all
   * memory back and says so.
   */
  async stop({ drainMs = 0 }: { readonly drainMs?: number } = {}): Promise<void> {
    if (this.#stopped) return
    await this.#drain(drainMs)
    this.#tell({ kind: 'stop' })
    this.#stopped = true
    clearTimeout(this.#retry)
    clearTimeout(this.#patience)
    this.#alarm.stop()
    this.#endAll('engine_left')
    // What was said last is on its way: the store carries commands out in order, and the line sends before it closes.
    this.#line?.close()
    this.#trying?.close()
    await this.#mail.close()
  }

  /** What its owner wrote for it last. */
  document(document: EngineDocument): void {
    this.#tell({ kind: 'document', document })
    if (!document.member && document.incarnation === this.#incarnation && !this.#stopped) this.#expelled()
  }

  /** Takes a sequence. Answers how to abort it. */
  submit(sequence: SequenceInput, listener: SequenceListener): () => void {
    if (this.#leaving) listener.refused('engine_left', 'the engine is being stopped')
    else if (this.#run !== 'under way')
      listener.refused('engine_lost', 'the engine has no device at the moment')
    else this.#tell({ kind: 'submit', sequence }, listener)
    return () => {
      const slot = this.#listeners.indexOf(listener)
      if (slot >= 0) this.#tell({ kind: 'abort', slot })
    }
  }

  #newMailbox(): EngineMailbox {
    const { news } = this.#options
    return new EngineMailbox({
      ...this.#options,
      unreadable: (problems) => news?.({ kind: 'bad_document', problems }),
    })
  }

  get #leaving(): boolean {
    return this.#stopped || this.#draining !== undefined
  }

  async #drain(withinMs: number): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#draining = resolve
    })
    if (this.#unfinished === 0 || withinMs <= 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs)
    })
    await Promise.race([drained, late])
    clearTimeout(timer)
  }

  // --- the machine ---

  #tell(input: EngineInput, listener?: SequenceListener): void {
    if (this.#stopped || (this.#run !== 'under way' && input.kind !== 'stop')) return
    this.#inputs.push({ input, listener })
    if (this.#stepping) return
    this.#stepping = true
    try {
      for (let told = this.#inputs.shift(); told; told = this.#inputs.shift()) this.#step(told)
    } finally {
      this.#stepping = false
    }
  }

  #step({ input, listener }: Told): void {
    const machine = this.#machine
    for (const effect of machine.step(this.#clock.now(), input)) {
      this.#perform(effect, listener)
      this.#options.observe?.(effect)
    }
    if (this.#run === 'under way') this.#alarm.set(machine.nextDeadline())
  }

  #perform(effect: EngineEffect, submitting: SequenceListener | undefined): void {
    switch (effect.kind) {
      case 'send':
        return this.#send(effect.message)
      case 'device':
        return this.#toDevice(effect.command)
      case 'accepted':
        this.#listeners[effect.slot] = submitting
        this.#unfinished++
        return
      case 'refused':
        return submitting?.refused(effect.reason, effect.detail)
      case 'stepped':
        return this.#stepped(effect)
      case 'ended':
        return this.#take(effect.slot)?.ended(effect.reason)
      case 'forgotten':
        return this.#startOver('the device has forgotten what this run held')
      case 'planned':
      case 'preempted':
      case 'outcome':
        return
    }
  }

  #stepped({ outcome }: Extract<EngineEffect, { kind: 'stepped' }>): void {
    const { tokenCount, tokenSlots, finishedCount, finishedSlots, finishedReasons } = outcome
    for (let k = 0; k < tokenCount; k++) this.#listeners[tokenSlots[k]]?.tokens(1)
    for (let k = 0; k < finishedCount; k++) {
      const slot = finishedSlots[k]
      const sequence = this.#machine.scheduler.sequence(slot)
      this.#take(slot)?.finished(finishReasons[finishedReasons[k]], sequence)
    }
  }

  /** A sequence has come to its end. */
  #take(slot: number): SequenceListener | undefined {
    const listener = this.#listeners[slot]
    this.#listeners[slot] = undefined
    if (listener && --this.#unfinished === 0) this.#draining?.()
    return listener
  }

  // --- the owner ---

  #send(message: EngineMessage): void {
    // Where it is reached, the process knows and not the machine.
    const url = this.#options.url?.()
    this.#mail.send(message.kind === 'heartbeat' && url !== undefined ? { ...message, url } : message)
  }

  /** This run was not heard for so long that its owner gave its place away, and the device took its bundles: another one may join. */
  #expelled(): void {
    if (this.#run === 'under way') this.#startOver('its owner has not heard of it for too long')
  }

  // --- the device ---

  #connect(): void {
    const line = this.#options.device.connect({
      connected: () => this.#connected(line),
      answer: (answer) => {
        if (line !== this.#line) return
        if (answer.kind === 'attached') this.#keepRun()
        this.#tell(answer)
      },
      lost: (reason) => {
        if (line === this.#line) this.#deviceLost(reason)
        else if (line === this.#trying) this.#deviceUnreachable(reason)
      },
    })
    this.#trying = line
  }

  #connected(line: DeviceLine): void {
    this.#unreachable = false
    this.#trying = undefined
    this.#line = line
    if (this.#run === 'under way') this.#tell({ kind: 'attach' })
    else this.#begin()
  }

  /** A run of the engine, over a line that works. */
  #begin(): void {
    if (this.#run === 'over') {
      this.#incarnation = newIncarnation()
      this.#machine = this.#options.machine(this.#incarnation)
    }
    this.#run = 'under way'
    this.#mail.again()
    this.#tell({ kind: 'start' })
  }

  #toDevice(command: DeviceCommand): void {
    this.#line?.send(command)
  }

  /** The run waits for another line: what it says to the device meanwhile is lost, and found out when there is one. */
  #deviceLost(reason: string): void {
    this.#line = undefined
    this.#options.news?.({ kind: 'device_lost', reason, sequences: this.#unfinished })
    this.#patience ??= setTimeout(() => this.#endRun(), ATTACH_WITHIN_MS)
    this.#tryAgain()
  }

  #keepRun(): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
  }

  /** The run is over, whatever the device says: there is another one over another line. */
  #startOver(reason: string): void {
    const line = this.#line
    this.#line = undefined
    this.#options.news?.({ kind: 'device_lost', reason, sequences: this.#unfinished })
    this.#endRun()
    line?.close()
    if (line) this.#tryAgain()
  }

  #endRun(): void {
    this.#keepRun()
    this.#run = 'over'
    this.#inputs.length = 0
    this.#alarm.stop()
    this.#endAll('engine_lost')
  }

  #deviceUnreachable(reason: string): void {
    if (!this.#unreachable) this.#options.news?.({ kind: 'device_unreachable', reason })
    this.#unreachable = true
    this.#tryAgain()
  }

  #tryAgain(): void {
    this.#trying = undefined
    if (!this.#stopped) this.#retry = setTimeout(() => this.#connect(), RETRY_MS)
  }

  #endAll(reason: string): void {
    for (let slot = 0; slot < this.#listeners.length; slot++) this.#take(slot)?.ended(reason)
  }
}

let lastIncarnation = 0

/** Higher than every one before, in this process or an earlier one on this machine: the time in ms, or one more than the last. */
function newIncarnation(): number {
  lastIncarnation = Math.max(Date.now(), lastIncarnation + 1)
  return lastIncarnation
}
