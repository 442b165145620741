import type { DeviceCommand } from '@kvasir/contracts'
import type { Epoch, Machine, Micros, Rng } from '@kvasir/kernel'
import { sameOwner } from '../store/memory-store.js'
import type { Ownership, Position, StoreCommand } from '../store/store.js'
import type { HeardMessages, Speech } from './heard.js'
import type { HeldBundles, Hosted, Takeover } from './hosted.js'
import { type LeaveReason, Office, type OfficeEffect, type OwnerAnswer } from './office.js'
import type { OwnerTimings } from './owner-timings.js'

/** Within how many epochs an owner chooses at random where no device keeps two owners apart. */
const EPOCHS_APART = 0x10_0000

export type OwnerInput<S extends Speech = Speech> =
  | { readonly kind: 'wake' }
  /** A peer has said something that should not wait for the next look. */
  | { readonly kind: 'bell'; readonly peer: string }
  /** Bells brought what peers have said. */
  | { readonly kind: 'rung'; readonly messages: HeardMessages<S> }
  /** The document of the actor above. */
  | { readonly kind: 'word'; readonly word: S['word'] }
  /** What became of a store command. Every command is answered, by `failed` if by nothing else. */
  | { readonly kind: 'stored'; readonly id: number; readonly answer: OwnerAnswer<S> }
  | { readonly kind: 'fenced'; readonly epoch: Epoch; readonly held: readonly HeldBundles[] }
  /** The device can be reached again after it could not: what it was told meanwhile may be lost. */
  | { readonly kind: 'device_back' }
  /** The device knows a higher epoch, or the same one of another owner. */
  | { readonly kind: 'fence_refused'; readonly epoch: Epoch; readonly highest: Epoch }
  /** Finishes what is decided, and leaves office to another process; if none takes it, this one does as if it had died. */
  | { readonly kind: 'hand_over' }
  /** From now on a vacant office is left to others for so long. */
  | { readonly kind: 'reluctance'; readonly waitUs: Micros }
  /** Finishes what is decided, and leaves office. */
  | { readonly kind: 'stop' }

export type OwnerEffect =
  | { readonly kind: 'store'; readonly id: number; readonly command: StoreCommand }
  | { readonly kind: 'fence'; readonly epoch: Epoch; readonly nonce: number }
  | { readonly kind: 'device'; readonly command: DeviceCommand }
  /** The heartbeat to the actor above. */
  | { readonly kind: 'report'; readonly text: string }
  | { readonly kind: 'took_office'; readonly epoch: Epoch; readonly term: number }
  | { readonly kind: 'left_office'; readonly reason: LeaveReason }

export interface OwnerOptions<S extends Speech = Speech> {
  readonly timings: OwnerTimings
  /** Who asks for the office: part of every acquisition's name. */
  readonly process: string
  readonly rng: Rng
  /** Whether the actor has a device, which is fenced before anything is given away. */
  readonly device: boolean
  /** An office that this process had before this machine was made. */
  readonly lastOffice?: OfficeName
  host(now: Micros, takeover: Takeover): Hosted<S>
}

/** What an acquisition is called in the record: no other has this name under this term. */
export type OfficeName = Pick<Ownership, 'by' | 'term'>

/** What a process is to an actor. */
type Phase<S extends Speech> =
  /** Watches whether the owner moves. `seen` is undefined before the first answer. */
  | { kind: 'watching'; seen: Ownership | null | undefined; sinceUs: Micros; nextUs: Micros }
  | { kind: 'acquiring'; sentUs: Micros; nonce: number }
  /** Owns the record; nothing is given away before the device refuses everybody else. */
  | { kind: 'fencing'; taken: Taken; nonce: number; epoch: Epoch; untilUs: Micros }
  | { kind: 'owning'; office: Office<S>; epoch: Epoch; nonce: number; fence: OpenFence | undefined }
  | { kind: 'stopped' }

/** A fence that the device has not answered: it is asked again, for without it nobody knows what is mapped. */
interface OpenFence {
  readonly epoch: Epoch
  readonly nonce: number
  againUs: Micros
}

interface Taken {
  readonly own: Ownership
  readonly state: string | null
  readonly positions: readonly { readonly peer: string; readonly position: Position }[]
  readonly sentUs: Micros
}

/**
 * One process's part in owning one actor: watch, acquire when the owner has stopped moving, fence the device, decide and commit,
 * and step down when anything says that somebody else may own it. Ownership is judged by watching on one's own clock alone: the
 * store's record has no time in it (reference/reliability.md §3.1).
 *
 * ```
 *   watching ── owner has not moved ──► acquiring ──► fencing ──► owning
 *      ▲                                    │             │          │
 *      └──────────── fenced, lapsed, refused, failed ─────┴──────────┘
 * ```
 */
export class OwnerMachine<S extends Speech = Speech> implements Machine<OwnerInput<S>, OwnerEffect> {
  readonly #options: OwnerOptions<S>
  #phase: Phase<S> = { kind: 'watching', seen: undefined, sinceUs: 0, nextUs: 0 }
  #stopping = false
  #reluctanceUs: Micros = 0
  /** Until then a vacant office is somebody else's to take: it was handed over. */
  #handedOverUntilUs: Micros = -Infinity
  /** The office that this process had last, whatever became of it. */
  #lastOffice: OfficeName | undefined
  #ids = 0
  /** Commands without an answer; those of an earlier phase do not count any more. */
  #asked = new Map<number, StoreCommand['kind']>()
  #effects: OwnerEffect[] = []
  /** Highest epoch this process has acted under or heard of: the store may have forgotten it. */
  #epoch: Epoch = 0

  constructor(options: OwnerOptions<S>) {
    this.#options = options
    this.#lastOffice = options.lastOffice
  }

  get owns(): boolean {
    return this.#phase.kind === 'owning'
  }

  nextDeadline(): Micros | undefined {
    const phase = this.#phase
    switch (phase.kind) {
      case 'watching':
        return phase.nextUs
      case 'acquiring':
        return undefined
      case 'fencing':
        return phase.untilUs
      case 'owning':
        return Math.min(phase.office.nextDeadline(), phase.fence?.againUs ?? Infinity)
      case 'stopped':
        return undefined
    }
  }

  step(now: Micros, input: OwnerInput<S>): readonly OwnerEffect[] {
    this.#effects = []
    switch (input.kind) {
      case 'wake':
        this.#wake(now)
        break
      case 'bell':
        if (this.#phase.kind === 'owning') this.#carryOut(now, this.#phase.office.bell(now, input.peer))
        break
      case 'rung':
        if (this.#phase.kind === 'owning') this.#carryOut(now, this.#phase.office.rung(now, input.messages))
        break
      case 'word':
        if (this.#phase.kind === 'owning') this.#carryOut(now, this.#phase.office.word(now, input.word))
        break
      case 'stored':
        this.#stored(now, input.id, input.answer)
        break
      case 'fenced':
        this.#fenced(now, input)
        break
      case 'fence_refused':
        this.#fenceRefused(now, input)
        break
      case 'device_back':
        this.#askMapping()
        break
      case 'hand_over':
        this.#handOver(now)
        break
      case 'reluctance':
        this.#reluctanceUs = input.waitUs
        break
      case 'stop':
        this.#stop(now)
        break
    }
    return this.#effects
  }

  #wake(now: Micros): void {
    const phase = this.#phase
    if (phase.kind === 'watching' && now >= phase.nextUs) {
      phase.nextUs = Infinity
      this.#ask({ kind: 'observe' })
    }
    if (phase.kind === 'fencing' && now >= phase.untilUs) this.#takeOffice(now, phase, 'silent')
    if (phase.kind !== 'owning') return
    if (phase.fence && now >= phase.fence.againUs) this.#fenceAgain(now, phase.fence)
    this.#carryOut(now, phase.office.wake(now))
  }

  #stored(now: Micros, id: number, answer: OwnerAnswer<S>): void {
    const asked = this.#asked.get(id)
    if (asked === undefined) return
    this.#asked.delete(id)
    const phase = this.#phase
    if (phase.kind === 'watching') this.#watched(now, phase, answer)
    else if (phase.kind === 'acquiring') this.#acquired(now, phase, answer)
    else if (phase.kind === 'owning') this.#carryOut(now, phase.office.answer(now, asked, answer))
  }

  // 1. Watching.

  #watched(now: Micros, phase: Extract<Phase<S>, { kind: 'watching' }>, answer: OwnerAnswer<S>): void {
    phase.nextUs = now + this.#pollUs()
    // While the store does not answer nobody can show that he lives: the time does not count.
    if (answer.kind !== 'observed') {
      phase.seen = undefined
      return
    }
    const { own } = answer
    if (phase.seen === undefined || !sameOwner(phase.seen, own)) {
      phase.seen = own
      phase.sinceUs = now
    }
    if (now - phase.sinceUs >= this.#patienceUs(now, own)) this.#acquire(now, own)
  }

  /** For how long a record must not have moved before this process takes the office. */
  #patienceUs(now: Micros, own: Ownership | null): Micros {
    const { electUs } = this.#options.timings
    if (now < this.#handedOverUntilUs) return electUs
    if (own === null || own.by === '') return this.#reluctanceUs
    return this.#isLastOffice(own) ? 0 : electUs
  }

  /**
   * The record still names the office that this process has left, mostly because the store was away: nobody has to be watched, for whoever
   * decided under that name is this process, and does so no more. A commit of it that is still on its way lands before the acquisition,
   * which then fails, or is refused after it. An office without a commit is watched like any other: who can acquire and not commit must
   * not keep the others out for ever.
   */
  #isLastOffice({ by, term, beat }: Ownership): boolean {
    return beat > 0 && by === this.#lastOffice?.by && term === this.#lastOffice.term
  }

  #acquire(now: Micros, seen: Ownership | null): void {
    const nonce = this.#options.rng.int(0x1_0000_0000)
    this.#phase = { kind: 'acquiring', sentUs: now, nonce }
    this.#ask({ kind: 'acquire', seen, by: `${this.#options.process}-${nonce.toString(36)}` })
  }

  #acquired(now: Micros, phase: Extract<Phase<S>, { kind: 'acquiring' }>, answer: OwnerAnswer<S>): void {
    if (answer.kind !== 'acquired') return this.#watch(now)
    const { own, state, positions } = answer
    const taken: Taken = { own, state, positions, sentUs: phase.sentUs }
    this.#fence(now, taken, phase.nonce, Math.max(own.epoch, this.#epoch) + 1)
  }

  // 2. Fencing: whatever the last owner still believes, the device refuses it from here on.

  #fence(now: Micros, taken: Taken, nonce: number, epoch: Epoch): void {
    this.#epoch = epoch
    const untilUs = Math.min(now + this.#options.timings.fenceUs, taken.sentUs + this.#options.timings.actUs)
    const phase = { kind: 'fencing', taken, nonce, epoch, untilUs } as const
    this.#phase = phase
    if (this.#options.device) this.#effects.push({ kind: 'fence', epoch, nonce })
    else this.#takeOffice(now, phase, 'none')
  }

  #fenceAgain(now: Micros, fence: OpenFence): void {
    fence.againUs = now + this.#options.timings.fenceUs
    this.#effects.push({ kind: 'fence', epoch: fence.epoch, nonce: fence.nonce })
  }

  #fenced(now: Micros, { epoch, held }: Extract<OwnerInput<S>, { kind: 'fenced' }>): void {
    const phase = this.#phase
    if (phase.kind === 'fencing' && phase.epoch === epoch) this.#takeOffice(now, phase, held)
    if (phase.kind !== 'owning') return
    // The device can be asked again: an office that begins with its answer knows more than one without.
    if (phase.fence) this.#carryOut(now, phase.office.resign(now))
    else if (phase.epoch === epoch) this.#carryOut(now, phase.office.mapping(now, held))
  }

  /** Fences once more under the same epoch and nonce, which changes nothing: the device answers what is mapped. */
  #askMapping(): void {
    const phase = this.#phase
    if (phase.kind !== 'owning' && phase.kind !== 'fencing') return
    this.#effects.push({ kind: 'fence', epoch: phase.epoch, nonce: phase.nonce })
  }

  #fenceRefused(now: Micros, { epoch, highest }: Extract<OwnerInput<S>, { kind: 'fence_refused' }>): void {
    const phase = this.#phase
    if (phase.kind === 'owning' && (phase.fence || phase.epoch === epoch))
      this.#carryOut(now, phase.office.outranked(now, highest + 1))
    if (phase.kind !== 'fencing' || phase.epoch !== epoch) return
    this.#fence(now, phase.taken, phase.nonce, Math.max(highest, epoch) + 1)
  }

  // 3. In office.

  #takeOffice(now: Micros, phase: Extract<Phase<S>, { kind: 'fencing' }>, device: Takeover['device']): void {
    const { taken, nonce } = phase
    const { timings, host } = this.#options
    const silent = device === 'silent'
    // Nobody refuses an epoch that two owners have chosen when the device is silent and the store forgets: so they hardly can.
    const epoch = silent ? phase.epoch + 1 + this.#options.rng.int(EPOCHS_APART) : phase.epoch
    this.#epoch = epoch
    const { own, positions, state, sentUs } = taken
    const hosted = host(now, { epoch, state, device })
    const office = new Office(now, { timings, hosted, epoch, own, positions, sinceUs: sentUs })
    const fence = silent ? { epoch, nonce, againUs: now + timings.fenceUs } : undefined
    this.#lastOffice = own
    this.#phase = { kind: 'owning', office, epoch, nonce, fence }
    this.#effects.push({ kind: 'took_office', epoch, term: own.term })
    this.#carryOut(now, this.#stopping ? office.resign(now) : office.wake(now))
  }

  #carryOut(now: Micros, effects: readonly OfficeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'store') this.#ask(effect.command)
      else if (effect.kind === 'device' || effect.kind === 'report') this.#effects.push(effect)
      else this.#leave(now, effect.reason)
    }
    // What the device has taken is free as soon as it says so.
    if (effects.some(({ kind }) => kind === 'device')) this.#askMapping()
  }

  #leave(now: Micros, reason: LeaveReason): void {
    this.#effects.push({ kind: 'left_office', reason })
    if (this.#stopping) this.#phase = { kind: 'stopped' }
    else this.#watch(now)
  }

  #handOver(now: Micros): void {
    if (this.#phase.kind !== 'owning') return
    this.#handedOverUntilUs = now + this.#options.timings.electUs
    this.#carryOut(now, this.#phase.office.resign(now))
  }

  #stop(now: Micros): void {
    this.#stopping = true
    const phase = this.#phase
    if (phase.kind === 'owning') this.#carryOut(now, phase.office.resign(now))
    else if (phase.kind === 'watching') this.#phase = { kind: 'stopped' }
  }

  #watch(now: Micros): void {
    this.#asked.clear()
    this.#phase = this.#stopping
      ? { kind: 'stopped' }
      : { kind: 'watching', seen: undefined, sinceUs: now, nextUs: now + this.#pollUs() }
  }

  /** Standbys do not look all at once. */
  #pollUs(): Micros {
    return Math.round(this.#options.timings.pollUs * (0.9 + 0.2 * this.#options.rng.uniform()))
  }

  #ask(command: StoreCommand): void {
    const id = ++this.#ids
    this.#asked.set(id, command.kind)
    this.#effects.push({ kind: 'store', id, command })
  }
}
