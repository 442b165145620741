import {
  type BudgetNote,
  type EngineDocument,
  type EngineMessage,
  type Heartbeat,
  type PreemptionOutcome,
  withBudget,
} from '@kvasir/contracts'
import type { PeerAnswer } from '@kvasir/coordinator-core'
import type { ActorStore } from '@kvasir/platform'

const BEAT_EVERY_MS = 300
/** Engines have one request open at a time; whoever has many does not let their ends pile up. */
const OUTCOMES_CARRIED = 16
/** Longest time that a bench waits for something, ms. */
const PATIENCE_MS = 10_000

/** So many that a hundredth of a round is a number of tokens that one engine more or less changes. */
const TOKENS_PER_SECOND = 2_000_000

/** What a peer says of itself, beside what it holds. */
export interface PeerNeeds {
  readonly tokens: number
  readonly bundles: number
  /** Of what it holds, in use. */
  readonly inUse: number
}

/**
 * An engine that computes nothing: it speaks the engines' protocol with the owner of its pool over the store, and gives back at once what
 * it is asked for. So what is measured is the coordinator's part, and no step stands in between.
 */
export class BenchPeer {
  readonly #store: ActorStore
  readonly #sender: { readonly engine: string; readonly incarnation: number }
  readonly #model: string
  #needs: PeerNeeds = { tokens: 0, bundles: 0, inUse: 0 }
  #beat = 0
  #number = 0
  #held = 0
  #document: EngineDocument | undefined
  /** The newest that came in full. */
  #text = ''
  #heardMs = 0
  readonly #ends = new Map<string, (outcome: PreemptionOutcome) => void>()
  readonly #watchers = new Set<(document: EngineDocument) => boolean>()
  readonly #unsent: EngineMessage[] = []
  #timer: NodeJS.Timeout | undefined
  #silence: (() => void) | undefined
  /** The last end of those that a heartbeat said were read, while documents carry it still. */
  #saidRead: string | undefined
  /** How many of `#unsent` were said before the last beat: an answer to the others may be on its way. */
  #overdue = 0

  constructor(store: ActorStore, engine: string, model: string) {
    this.#store = store
    this.#sender = { engine, incarnation: Date.now() }
    this.#model = model
  }

  get document(): EngineDocument | undefined {
    return this.#document
  }

  /** Joins, and resolves when it is a member with a lease. */
  async start(): Promise<void> {
    this.#silence = await this.#store.onTick(this.#sender.engine, (tick) => {
      if (tick.kind === 'missed') void this.#read()
      else if (tick.kind === 'document') this.#hear(tick.text)
      else this.#hearBudget(tick.text)
    })
    this.#say({ kind: 'join', ...this.#sender, number: ++this.#number, model: this.#model })
    this.#timer = setInterval(() => this.#everyBeat(), BEAT_EVERY_MS)
    this.#sendBeat(true)
    await this.until(({ member }) => member)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#silence?.()
    this.#say({ kind: 'leave', ...this.#sender, number: ++this.#number })
  }

  /** Says at once what it needs now. */
  needs(needs: PeerNeeds): void {
    this.#needs = needs
    this.#sendBeat(true)
  }

  /** Resolves with the first document, from the present one on, of which `holds` is true. @throws after 10 s. */
  until(holds: (document: EngineDocument) => boolean): Promise<EngineDocument> {
    if (this.#document && holds(this.#document)) return Promise.resolve(this.#document)
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#watchers.delete(watcher)
        reject(new Error(`${this.#sender.engine} heard nothing of what it waits for in ${PATIENCE_MS} ms`))
      }, PATIENCE_MS)
      const watcher = (document: EngineDocument) => {
        if (!holds(document)) return false
        clearTimeout(late)
        resolve(document)
        return true
      }
      this.#watchers.add(watcher)
    })
  }

  /** When the newest document came, ms of `performance.now()`. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** Asks for memory. Resolves with the end of the request. */
  request(bundles: number): Promise<PreemptionOutcome> {
    const number = ++this.#number
    const { engine, incarnation } = this.#sender
    const id = `${engine}/${incarnation}/${number}`
    const ended = new Promise<PreemptionOutcome>((resolve) => this.#ends.set(id, resolve))
    const what = { id, bundles, minBundles: bundles, priority: 0, class: 'auto', withinUs: 5e6 } as const
    this.#say({ kind: 'request', ...this.#sender, number, ...what })
    return ended
  }

  #say(message: EngineMessage): void {
    this.#unsent.push(message)
    this.#send(message)
  }

  #send(message: EngineMessage): void {
    void this.#store.peer({ kind: 'say', peer: this.#sender.engine, text: JSON.stringify(message) })
  }

  /** Whatever was lost is said again, as engines do. */
  #everyBeat(): void {
    this.#sendBeat(false)
    for (const message of this.#unsent.slice(0, this.#overdue)) this.#send(message)
    this.#overdue = this.#unsent.length
  }

  #sendBeat(ring: boolean): void {
    const { tokens, bundles, inUse } = this.#needs
    const heartbeat: Heartbeat = {
      kind: 'heartbeat',
      ...this.#sender,
      beat: ++this.#beat,
      model: this.#model,
      processedThrough: this.#document?.processedThrough ?? 0,
      epoch: this.#document?.epoch ?? 0,
      sequence: this.#document?.sequence ?? 0,
      held: this.#held,
      inUse: Math.min(inUse, this.#held),
      demand: { tokens, bundles, tokensPerSecond: TOKENS_PER_SECOND },
      spentTokens: 0,
      lowestPriority: null,
      supply: [],
    }
    const text = JSON.stringify(heartbeat)
    void this.#store
      .peer({ kind: 'beat', peer: this.#sender.engine, text, ring })
      .then((answer) => answer.kind === 'document' && this.#found(answer))
  }

  async #read(): Promise<void> {
    const answer = await this.#store.peer({ kind: 'read', peer: this.#sender.engine })
    if (answer.kind === 'document') this.#found(answer)
  }

  #found({ text, budget }: Extract<PeerAnswer, { kind: 'document' }>): void {
    if (text !== null) this.#hear(text)
    if (budget !== undefined) this.#hearBudget(budget)
  }

  #hearBudget(text: string): void {
    if (!this.#document) return
    const document = withBudget(this.#document, JSON.parse(text) as BudgetNote)
    if (document === 'behind') void this.#read()
    else this.#take(document)
  }

  #hear(text: string): void {
    // As engines do: what was read once is not read again.
    if (text === this.#text) return
    this.#text = text
    this.#take(JSON.parse(text) as EngineDocument)
  }

  #take(document: EngineDocument): void {
    const last = this.#document
    if (document.incarnation !== this.#sender.incarnation) return
    if (
      last &&
      (document.epoch < last.epoch || (document.epoch === last.epoch && document.sequence <= last.sequence))
    )
      return
    this.#document = document
    this.#heardMs = performance.now()
    const gives = document.leaseBundles < this.#held || document.reclaims.length > 0
    this.#held = document.leaseBundles
    const answered = this.#unsent.findIndex((message) => numberOf(message) > document.processedThrough)
    const gone = answered < 0 ? this.#unsent.length : answered
    this.#unsent.splice(0, gone)
    this.#overdue = Math.max(0, this.#overdue - gone)
    const { outcomes } = document
    const unsaid = outcomes.length > OUTCOMES_CARRIED && !outcomes.some(({ id }) => id === this.#saidRead)
    // Ends are carried until a heartbeat says that they were read: it is said once, and at once.
    if (unsaid) this.#saidRead = outcomes.at(-1)?.id
    if (gives || unsaid) this.#sendBeat(true)
    for (const outcome of document.outcomes) {
      this.#ends.get(outcome.id)?.(outcome)
      this.#ends.delete(outcome.id)
    }
    for (const watcher of this.#watchers) if (watcher(document)) this.#watchers.delete(watcher)
  }
}

function numberOf(message: EngineMessage): number {
  return message.kind === 'heartbeat' ? 0 : message.number
}
