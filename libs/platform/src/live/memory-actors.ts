import {
  type Bell,
  MemoryStore,
  type PeerCommand,
  type Position,
  type StoreCommand,
  type Tick,
} from '@kvasir/coordinator-core'
import type { ActorStore, ActorStores } from './actor-store.js'

type Listener<T> = (value: T) => void

/** Actors whose stores lie in this process: for a cluster in one process, and for tests. What it holds dies with the process. */
export class MemoryActors implements ActorStores {
  readonly #actors = new Map<string, MemoryActor>()

  actor(name: string): ActorStore {
    const known = this.#actors.get(name) ?? new MemoryActor()
    this.#actors.set(name, known)
    return known
  }

  close(): void {
    this.#actors.clear()
  }
}

class MemoryActor implements ActorStore {
  readonly #store = new MemoryStore()
  readonly #bells = new Set<Listener<Bell>>()
  readonly #ticks = new Map<string, Set<Listener<Tick>>>()

  async own(command: StoreCommand) {
    const answer = this.#store.own(command)
    if (command.kind !== 'commit' || answer.kind !== 'committed') return answer
    const { documents, budgets = [] } = command.commit
    for (const { peer, text } of documents) ring(this.#ticks.get(peer), { kind: 'document', text })
    for (const { peer, text } of budgets) ring(this.#ticks.get(peer), { kind: 'budget', text })
    return answer
  }

  async peer(command: PeerCommand) {
    const answer = this.#store.peer(command)
    const bell = this.#store.bellOf(command, answer)
    if (bell) ring(this.#bells, bell)
    return answer
  }

  async onBell(listener: Listener<Bell>) {
    return listen(this.#bells, listener)
  }

  async onTick(peer: string, listener: Listener<Tick>) {
    const listeners = this.#ticks.get(peer) ?? new Set()
    this.#ticks.set(peer, listeners)
    return listen(listeners, listener)
  }

  async newestLog(count: number) {
    return this.#store.log.slice(-count)
  }

  /** Positions count lines. */
  async logAfter(position: Position | null, limit: number) {
    const { log } = this.#store
    const from = position === null ? log.length : Number(position)
    const lines = log.slice(from, from + limit)
    return { position: String(from + lines.length), lines }
  }
}

function listen<T>(listeners: Set<Listener<T>>, listener: Listener<T>): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** Later, as over a network: whoever rings has not finished what it does. */
function ring<T>(listeners: ReadonlySet<Listener<T>> | undefined, value: T): void {
  if (!listeners) return
  for (const listener of listeners) queueMicrotask(() => listener(value))
}
