import {
  type BudgetNote,
  budgetNoteSchema,
  type EngineDocument,
  engineDocumentSchema,
  type EngineMessage,
  isIdle,
  withBudget,
} from '@kvasir/contracts'
import type { PeerAnswer } from '@kvasir/coordinator-core'
import { monotonicClock } from '@kvasir/devices'
import type { Clock, Micros } from '@kvasir/kernel'
import type { ActorStore } from './actor-store.js'
import type { Schema } from '../process/profile.js'
import { Newest } from './newest.js'
import { readText } from './read-text.js'

export interface EngineMailboxOptions {
  readonly engine: string
  /** The store of its pool's owner. */
  readonly store: ActorStore
  /** Shortest time between two heartbeats of its own accord: what comes earlier is news that the owner should hear at once. */
  readonly heartbeatUs: Micros
  readonly clock?: Clock
  /** Somebody writes what is not a document where the engine's document should be. */
  readonly unreadable?: (problems: readonly string[]) => void
  /** The store did not answer: what was sent may be lost. */
  readonly failed?: (detail: string) => void
}

/** Takes a document. False: it could not, and wants it once more when the owner ticks or a heartbeat is answered. */
export type TakeDocument = (document: EngineDocument) => boolean | Promise<boolean>

/** How an engine's driver speaks to the owner of its pool. */
export interface EngineMail {
  send(message: EngineMessage): void
  /** The document is taken once more, though it may not have changed: for somebody who begins anew. */
  again(): void
  /** Takes no document any more. Resolves when the store has carried out what was sent. */
  close(): Promise<void>
}

/**
 * One engine's place in the store of its pool's owner. Documents say everything: while one is being taken, only the newest of the
 * others waits. Heartbeats overwrite each other, everything else is numbered and kept.
 */
export class EngineMailbox implements EngineMail {
  readonly #options: EngineMailboxOptions
  readonly #clock: Clock
  /** The newest document in full, and the newest budget beside it, as they came. */
  #text: string | undefined
  #budget: string | undefined
  /** What was read last, of each. */
  #full: LastRead<EngineDocument> | undefined
  #note: LastRead<BudgetNote> | undefined
  readonly #documents = new Newest<true>(() => this.#document())
  #take: TakeDocument | undefined
  #silence: (() => void) | undefined
  #closed = false
  #lastBeatUs: Micros = -Infinity
  /** As the last heartbeat said. */
  #idle = true
  /** The texts that were taken last. */
  #taken = ''

  constructor(options: EngineMailboxOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
  }

  /** Gives documents to `take` from now on. Resolves when the store has heard where to ring. */
  async open(take: TakeDocument): Promise<void> {
    const { store, engine } = this.#options
    this.#take = take
    this.#silence = await store.onTick(engine, (tick) => {
      if (tick.kind === 'missed') void this.look()
      else if (tick.kind === 'document') this.#found({ text: tick.text })
      else this.#found({ budget: tick.text })
    })
    if (this.#closed) this.#silence()
  }

  /** Resolves when the store has answered. */
  async send(message: EngineMessage): Promise<void> {
    const { store, engine, heartbeatUs } = this.#options
    const text = JSON.stringify(message)
    if (message.kind !== 'heartbeat')
      return this.#answered(await store.peer({ kind: 'say', peer: engine, text }))
    const now = this.#clock.now()
    const idle = isIdle(message)
    const ring = now - this.#lastBeatUs < 0.75 * heartbeatUs || (this.#idle && !idle)
    this.#idle = idle
    this.#lastBeatUs = now
    this.#answered(await store.peer({ kind: 'beat', peer: engine, text, ring }))
  }

  /** Reads the document that is there. */
  async look(): Promise<void> {
    const { store, engine } = this.#options
    this.#answered(await store.peer({ kind: 'read', peer: engine }))
  }

  again(): void {
    this.#taken = ''
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#silence?.()
    // The store carries commands out in order: once this one is answered, so are those before it.
    await this.#options.store.peer({ kind: 'read', peer: this.#options.engine })
  }

  #answered(answer: PeerAnswer): void {
    if (answer.kind === 'document') this.#found(answer)
    else if (answer.kind === 'failed' && !this.#closed) this.#options.failed?.(answer.detail)
  }

  #found({ text, budget }: { readonly text?: string | null; readonly budget?: string }): void {
    this.#text = text ?? this.#text
    this.#budget = budget ?? this.#budget
    if (this.#text !== undefined && !this.#closed) this.#documents.offer(true)
  }

  async #document(): Promise<void> {
    const found = `${this.#text}\n${this.#budget}`
    if (found === this.#taken || !this.#take || this.#closed) return
    // What is taken may be wanted again while it is being taken.
    const before = this.#taken
    this.#taken = found
    const document = this.#together()
    if (document && !(await this.#take(document)) && this.#taken === found) this.#taken = before
  }

  /** The document with its newest budget. Who has missed the document that a budget is beside reads it. */
  #together(): EngineDocument | undefined {
    this.#full = this.#read(this.#full, engineDocumentSchema, this.#text)
    this.#note = this.#read(this.#note, budgetNoteSchema, this.#budget)
    const document = this.#full?.value
    const note = this.#note?.value
    if (!document || !note) return document
    const together = withBudget(document, note)
    if (together !== 'behind') return together
    void this.look()
    return document
  }

  /** @param last what was read last in its place: the same text is read once. */
  #read<T>(
    last: LastRead<T> | undefined,
    schema: Schema<T>,
    text: string | undefined,
  ): LastRead<T> | undefined {
    if (text === undefined || text === last?.text) return last
    const read = readText(schema, text)
    if (read.kind === 'read') return { text, value: read.message }
    this.#options.unreadable?.(read.problems)
    return { text, value: undefined }
  }
}

/** A text, and what it says if it could be read. */
interface LastRead<T> {
  readonly text: string
  readonly value: T | undefined
}
