import type { DeviceCommand } from '@kvasir/contracts'
import { type Epoch, invariant, type Micros } from '@kvasir/kernel'
import { isBehind } from '../store/memory-store.js'
import {
  BEFORE_ALL,
  type Commit,
  type Ownership,
  type PeerText,
  type Position,
  type StoreAnswer,
  type StoreCommand,
} from '../store/store.js'
import type { Heard, HeardLetter, HeardMessages, Speech } from './heard.js'
import type { HeldBundles, Hosted, HostedDocument, HostedInput, HostedOutput } from './hosted.js'
import type { OwnerTimings } from './owner-timings.js'

/** Letters read from one inbox at a time: a noisy peer delays nobody but itself. */
const LETTERS_AT_ONCE = 256
/**
 * While nobody has work, an owner that nobody rings for looks, and shows that it lives, so many times less often: mostly with one commit
 * after each look, for which the renewal leaves some time.
 */
const QUIET_PEEKS = 10
const QUIET_RENEWALS = 2.2
/** Pause before a store that did not answer is asked again. */
const RETRY_US: Micros = 50_000

export interface OfficeOptions<S extends Speech> {
  readonly timings: OwnerTimings
  readonly hosted: Hosted<S>
  readonly epoch: Epoch
  readonly own: Ownership
  readonly positions: readonly { readonly peer: string; readonly position: Position }[]
  /** When the command was sent by which the office was taken. */
  readonly sinceUs: Micros
}

/** What became of a command to the store; what a look at it found has been read. */
export type OwnerAnswer<S extends Speech> = Exclude<StoreAnswer, { kind: 'peeked' }> | Heard<S>

/** What an office has its owner do. `leave`: it is over, and why. */
export type OfficeEffect =
  | { readonly kind: 'store'; readonly command: StoreCommand }
  | { readonly kind: 'device'; readonly command: DeviceCommand }
  /** To the actor above, see `HostedOutput`. */
  | { readonly kind: 'report'; readonly text: string }
  | { readonly kind: 'leave'; readonly reason: LeaveReason }

/** `fenced`: somebody else owns the actor. `regressed`: the store has forgotten commits. `lapsed`: no commit went through in time. */
export type LeaveReason = 'fenced' | 'regressed' | 'lapsed' | 'resigned'

/** What was decided since the last commit. */
interface Pending {
  readonly documents: Map<string, HostedDocument>
  log: string[]
  device: DeviceCommand[]
  retired: string[]
  changed: boolean
  drifted: boolean
}

/** A commit on its way. It covers what was decided until it was composed; what is decided meanwhile waits for the next. */
interface Flight {
  readonly commit: Commit
  readonly sentUs: Micros
  readonly device: readonly DeviceCommand[]
  readonly retired: readonly string[]
  /** The answer was lost: the store is asked whether it happened, at this time. */
  askUs: Micros | undefined
}

/**
 * The time of one owner in office: reads what peers say, lets the hosted actor decide, and commits what it decided. One commit is on
 * its way at a time, so load makes commits larger and not the queue longer. Every commit is the renewal of the office too.
 */
export class Office<S extends Speech> {
  readonly #timings: OwnerTimings
  readonly #hosted: Hosted<S>
  readonly #by: string
  readonly #term: number
  #version: number
  #commits = 0
  /** When the newest commit that went through was sent: the office holds for `actUs` from then on. */
  #renewedUs: Micros
  #flight: Flight | undefined
  /** When the state was packed last. */
  #packedUs: Micros = -Infinity
  #pending: Pending = nothing()
  /** How far each inbox was read, and how far by the newest commit. */
  readonly #read = new Map<string, Position>()
  readonly #committed = new Map<string, Position>()
  /** By peer, the one that was decided on: each is looked at once. */
  readonly #heartbeats = new Map<string, S['heartbeat']>()
  #peers: ReadonlySet<string> = new Set()
  #peeking = false
  /** When the look was begun that is under way. It may be heard late, and commits have gone through since. */
  #peekVersion = 0
  /** A look at all was heard in this step. */
  #looked = false
  /** Who has something to say that should not wait. */
  #rung = new Set<string>()
  /** When all peers are looked at next. */
  #nextPeekUs: Micros
  #resigning = false
  /** Of this office, or above it once somebody was heard to obey a higher one, which the store has forgotten. */
  #epoch: Epoch
  #effects: OfficeEffect[] = []

  constructor(now: Micros, options: OfficeOptions<S>) {
    const { timings, hosted, epoch, own, positions, sinceUs } = options
    this.#timings = timings
    this.#hosted = hosted
    this.#epoch = epoch
    this.#by = own.by
    this.#term = own.term
    this.#version = own.version
    this.#renewedUs = sinceUs
    this.#nextPeekUs = now
    for (const { peer, position } of positions) {
      this.#read.set(peer, position)
      this.#committed.set(peer, position)
    }
    this.#pending.changed = true
  }

  nextDeadline(): Micros {
    const lapse = this.#renewedUs + this.#timings.actUs
    const renewal = this.#flight ? Infinity : this.#renewalUs
    const peek = this.#peeking || this.#resigning ? Infinity : this.#nextPeekUs
    const doubt = this.#flight?.askUs ?? Infinity
    return Math.min(lapse, renewal, peek, doubt, this.#hosted.nextDeadline() ?? Infinity)
  }

  // --- what happens ---

  wake(now: Micros): readonly OfficeEffect[] {
    return this.#turn(now, () => {
      if (now >= (this.#hosted.nextDeadline() ?? Infinity)) this.#decide(now, { kind: 'wake' })
      if (now >= (this.#flight?.askUs ?? Infinity)) this.#askWhetherItHappened()
    })
  }

  /** A peer has said something that should not wait; a stranger's name: all are looked at. */
  bell(now: Micros, peer: string): readonly OfficeEffect[] {
    return this.#turn(now, () => {
      this.#rung.add(peer)
    })
  }

  /** Peers have said something that should not wait, and their bells brought it. */
  rung(now: Micros, messages: HeardMessages<S>): readonly OfficeEffect[] {
    return this.#turn(now, () => {
      if (!this.#resigning) this.#take(now, messages)
    })
  }

  /** The actor above has said something. */
  word(now: Micros, word: S['word']): readonly OfficeEffect[] {
    return this.#turn(now, () => this.#decide(now, { kind: 'word', word }))
  }

  /** The device says what is mapped, after everything it was told. */
  mapping(now: Micros, held: readonly HeldBundles[]): readonly OfficeEffect[] {
    return this.#turn(now, () => this.#decide(now, { kind: 'mapping', held }))
  }

  /** Gives the office up with its next commit. */
  resign(now: Micros): readonly OfficeEffect[] {
    return this.#turn(now, () => {
      this.#resigning = true
    })
  }

  /** Somebody obeys a higher epoch: the office is given up, so that the next one is above it. */
  outranked(now: Micros, epoch: Epoch): readonly OfficeEffect[] {
    return this.#turn(now, () => this.#noteEpoch(epoch))
  }

  /** @param asked the kind of command that is answered. */
  answer(now: Micros, asked: StoreCommand['kind'], answer: OwnerAnswer<S>): readonly OfficeEffect[] {
    return this.#turn(now, () => {
      switch (answer.kind) {
        case 'heard':
          return this.#hear(now, answer)
        case 'committed':
          return this.#landed(answer.version)
        case 'observed':
          return this.#settleDoubt(now, answer.own)
        case 'fenced':
          return this.#fenced(answer.own)
        case 'failed':
          return this.#failed(now, asked)
        case 'retired':
        case 'acquired':
          return undefined
      }
    })
  }

  #turn(now: Micros, act: () => void): readonly OfficeEffect[] {
    this.#effects = []
    if (this.#lapsed(now)) return this.#effects
    act()
    if (this.#left()) return this.#effects
    this.#peek(now)
    this.#commit(now)
    this.#looked = false
    return this.#effects
  }

  // --- reading ---

  #peek(now: Micros): void {
    const { peekUs } = this.#timings
    const quietUs = QUIET_PEEKS * peekUs
    const laterUs = this.#hosted.quiet ? (Math.floor(now / quietUs) + 1) * quietUs : now + peekUs
    // Whoever has work since the last look at all must not wait as long as idle ones do.
    this.#lookBy(laterUs)
    const due = now >= this.#nextPeekUs
    if (this.#peeking || this.#resigning || (!due && this.#rung.size === 0)) return
    const rung = this.#rung
    const all = due || [...rung].some((peer) => !this.#peers.has(peer))
    if (all) this.#nextPeekUs = laterUs
    this.#peeking = true
    this.#peekVersion = this.#version
    this.#rung = new Set()
    const positions = [...(all ? this.#peers : rung)].map((peer) => this.#positionIn(peer))
    const some = all ? {} : { some: true as const }
    this.#effects.push({
      kind: 'store',
      command: { kind: 'peek', positions, limit: LETTERS_AT_ONCE, ...some },
    })
  }

  #lookBy(us: Micros): void {
    this.#nextPeekUs = Math.min(this.#nextPeekUs, us)
  }

  #positionIn(peer: string): { readonly peer: string; readonly position: Position } {
    return { peer, position: this.#read.get(peer) ?? BEFORE_ALL }
  }

  #hear(now: Micros, heard: Heard<S>): void {
    const { own, peers, letters } = heard
    this.#peeking = false
    if (own?.by !== this.#by || own.term !== this.#term) return this.#fenced(own)
    if (own.version < this.#peekVersion) return this.#leave('regressed')
    if (peers) this.#count(now, peers)
    this.#looked = peers !== undefined
    if (letters.length >= LETTERS_AT_ONCE) this.#nextPeekUs = now
    this.#take(now, heard)
    // What is done now and then is done after a look, when it is known who is still there, and need not wake the process once more.
    if (peers && this.#hosted.quiet) this.#decide(now, { kind: 'wake' })
  }

  #take(now: Micros, { letters, heartbeats }: HeardMessages<S>): void {
    const inputs: HostedInput<S>[] = []
    for (const letter of letters) {
      const { peer, position, read } = letter
      if (!this.#isNext(letter)) continue
      this.#read.set(peer, position)
      if (read) inputs.push({ kind: 'letter', peer, message: read.message })
    }
    for (const { peer, message } of heartbeats) {
      if (this.#heartbeats.get(peer) === message) continue
      this.#heartbeats.set(peer, message)
      inputs.push({ kind: 'heartbeat', peer, message })
    }
    inputs.forEach((input, i) => this.#decide(now, input, i < inputs.length - 1))
  }

  /** What a bell brings and a look finds is heard once. Where something lies between it and what was read, its inbox is looked into. */
  #isNext({ peer, position, after }: HeardLetter<S>): boolean {
    const read = this.#read.get(peer) ?? BEFORE_ALL
    if (!isBehind(position, read)) return false
    if (after === undefined || after === read) return true
    this.#rung.add(peer)
    return false
  }

  /** A peer that is new is read from at once: its first message is why it is here. */
  #count(now: Micros, peers: readonly string[]): void {
    if (peers.some((peer) => !this.#peers.has(peer))) this.#nextPeekUs = now
    this.#peers = new Set(peers)
  }

  #decide(now: Micros, input: HostedInput<S>, more = false): void {
    this.#note(this.#hosted.step(now, input, more))
  }

  /** A newer document of a peer replaces one not yet committed: documents are absolute. */
  #note(output: HostedOutput): void {
    const { documents, log, device, retired, changed, drifted, report, resigns, higherEpoch = 0 } = output
    this.#noteEpoch(higherEpoch)
    this.#resigning ||= resigns ?? false
    if (report !== undefined) this.#effects.push({ kind: 'report', text: report })
    const pending = this.#pending
    for (const document of documents) pending.documents.set(document.peer, newest(pending, document))
    for (const line of log) pending.log.push(line)
    for (const command of device) pending.device.push(command)
    for (const peer of retired) pending.retired.push(peer)
    pending.changed ||= changed
    pending.drifted ||= drifted ?? false
  }

  #noteEpoch(epoch: Epoch): void {
    if (epoch <= this.#epoch) return
    this.#epoch = epoch
    this.#resigning = true
  }

  // --- committing ---

  get #renewalUs(): Micros {
    const patience = this.#hosted.quiet && !this.#looked ? QUIET_RENEWALS : 1
    return this.#renewedUs + this.#timings.renewUs * patience
  }

  #commit(now: Micros): void {
    if (this.#flight || this.#left()) return
    const moved = [...this.#read].filter(([peer, position]) => this.#committed.get(peer) !== position)
    const { documents, log, device, retired, changed, drifted } = this.#pending
    const due = now >= this.#renewalUs
    if (
      documents.size + log.length + device.length + moved.length === 0 &&
      !changed &&
      !due &&
      !this.#resigning
    )
      return
    const packs =
      changed || (drifted && (due || this.#resigning || now >= this.#packedUs + this.#timings.renewUs))
    if (packs) this.#packedUs = now
    this.#pending = nothing()
    this.#pending.drifted = drifted && !packs
    const commit: Commit = {
      term: this.#term,
      by: this.#by,
      version: this.#version,
      id: `${this.#by}/${++this.#commits}`,
      epoch: this.#epoch,
      ...(packs ? { state: this.#hosted.pack() } : {}),
      ...textsOf(documents.values()),
      log,
      positions: moved.map(([peer, position]) => ({ peer, position })),
      ...(this.#resigning ? { last: true } : {}),
    }
    this.#send(now, { commit, sentUs: now, device, retired, askUs: undefined })
  }

  #send(now: Micros, flight: Flight): void {
    this.#flight = { ...flight, sentUs: now, askUs: undefined }
    this.#effects.push({ kind: 'store', command: { kind: 'commit', commit: flight.commit } })
  }

  #landed(version: number): void {
    const flight = this.#flight
    invariant(flight !== undefined, () => `a commit landed at version ${version}, and none was on its way`)
    this.#flight = undefined
    this.#version = version
    this.#renewedUs = flight.sentUs
    for (const { peer, position } of flight.commit.positions) this.#committed.set(peer, position)
    for (const command of flight.device) this.#effects.push({ kind: 'device', command })
    for (const peer of flight.retired) this.#retire(peer)
    if (flight.commit.last) this.#leave('resigned')
  }

  #retire(peer: string): void {
    this.#read.delete(peer)
    this.#committed.delete(peer)
    this.#heartbeats.delete(peer)
    this.#peers = new Set([...this.#peers].filter((other) => other !== peer))
    this.#effects.push({ kind: 'store', command: { kind: 'retire', term: this.#term, by: this.#by, peer } })
  }

  // --- doubt ---

  /** A look is taken again in time; of a commit it must be known whether it happened. */
  #failed(now: Micros, asked: StoreCommand['kind']): void {
    if (asked === 'peek') {
      this.#peeking = false
      this.#lookBy(now + RETRY_US)
    }
    if (asked === 'commit') this.#askWhetherItHappened()
    if (asked === 'observe' && this.#flight) this.#flight.askUs = now + RETRY_US
  }

  #askWhetherItHappened(): void {
    if (this.#flight) this.#flight.askUs = Infinity
    this.#effects.push({ kind: 'store', command: { kind: 'observe' } })
  }

  #settleDoubt(now: Micros, own: Ownership | null): void {
    const flight = this.#flight
    if (flight?.askUs === undefined) return
    if (own?.commitId === flight.commit.id) return this.#landed(own.version)
    if (own?.by !== this.#by || own.term !== this.#term) return this.#fenced(own)
    if (own.version !== this.#version) return this.#leave('regressed')
    this.#send(now, flight)
  }

  #fenced(own: Ownership | null): void {
    const flight = this.#flight
    // The same commit was sent twice, and the first one went through.
    if (flight && own?.commitId === flight.commit.id) return this.#landed(own.version)
    this.#leave(own?.by === this.#by ? 'regressed' : 'fenced')
  }

  #lapsed(now: Micros): boolean {
    if (now < this.#renewedUs + this.#timings.actUs) return false
    this.#leave('lapsed')
    return true
  }

  #leave(reason: LeaveReason): void {
    if (!this.#left()) this.#effects.push({ kind: 'leave', reason })
  }

  #left(): boolean {
    return this.#effects.some((effect) => effect.kind === 'leave')
  }
}

/** What is beside a document that has not been committed either is part of it. */
function newest({ documents }: Pending, document: HostedDocument): HostedDocument {
  const before = documents.get(document.peer)
  if (!before || before.budget || !document.budget) return document
  return { peer: document.peer, body: document.body }
}

function textsOf(documents: Iterable<HostedDocument>): Pick<Commit, 'documents' | 'budgets'> {
  const texts = { documents: [] as PeerText[], budgets: [] as PeerText[] }
  for (const { peer, body, budget } of documents) {
    if (budget) texts.budgets.push({ peer, text: JSON.stringify(budget) })
    else texts.documents.push({ peer, text: typeof body === 'string' ? body : JSON.stringify(body) })
  }
  return texts
}

function nothing(): Pending {
  return { documents: new Map(), log: [], device: [], retired: [], changed: false, drifted: false }
}
