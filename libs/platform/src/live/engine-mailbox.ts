import { type EngineDocument, engineDocumentSchema, type EngineMessage, isIdle } from '@kvasir/contracts'
import type { PeerAnswer } from '@kvasir/coordinator-core'
import { monotonicClock } from '@kvasir/devices'
import type { Clock, Micros } from '@kvasir/kernel'
import type { ActorStore } from './actor-store.js'
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
  readonly #documents = new Newest<string>((text) => this.#document(text))
  #take: TakeDocument | undefined
  #silence: (() => void) | undefined
  #closed = false
  #lastBeatUs: Micros = -Infinity
  /** As the last heartbeat said. */
  #idle = true
  /** The text that was taken last. */
  #taken = ''

  constructor(options: EngineMailboxOptions) {
    this.#options = options
    this.#clock = options.clock ?? monotonicClock
  }

  /** Gives documents to `take` from now on. Resolves when the store has heard where to ring. */
  async open(take: TakeDocument): Promise<void> {
    const { store, engine } = this.#options
    this.#take = take
    this.#silence = await store.onTick(engine, (text) => {
      if (text === '') void this.look()
      else this.#found(text)
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
    if (answer.kind === 'document') this.#found(answer.text)
    else if (answer.kind === 'failed' && !this.#closed) this.#options.failed?.(answer.detail)
  }

  #found(text: string | null): void {
    if (text !== null && !this.#closed) this.#documents.offer(text)
  }

  async #document(text: string): Promise<void> {
    if (text === this.#taken || !this.#take || this.#closed) return
    const read = readText(engineDocumentSchema, text)
    if (read.kind === 'unreadable') this.#options.unreadable?.(read.problems)
    // What is taken may be wanted again while it is being taken.
    const before = this.#taken
    this.#taken = text
    if (read.kind === 'read' && !(await this.#take(read.message)) && this.#taken === text)
      this.#taken = before
  }
}
