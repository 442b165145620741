import type { PeerAnswer, PeerCommand, Position, StoreAnswer, StoreCommand } from '@kvasir/coordinator-core'

/** Lines of a decision log, and where they end. */
export interface LogTail {
  readonly position: Position
  readonly lines: readonly string[]
}

/** The store of one actor, as a live process uses it. Commands are carried out in the order in which they are given, and each is answered. */
export interface ActorStore {
  own(command: StoreCommand): Promise<StoreAnswer>
  peer(command: PeerCommand): Promise<PeerAnswer>
  /** Calls `listener` with the name of a peer that rings for the owner; with nothing when somebody may have rung. Answers how to stop. */
  onBell(listener: (peer: string) => void): Promise<() => void>
  /** Calls `listener` with the changed document of a peer; with nothing when it may have changed, and is to be read. Answers how to stop. */
  onTick(peer: string, listener: (text: string) => void): Promise<() => void>
  /** The newest lines of the decision log, oldest first. */
  newestLog(count: number): Promise<readonly string[]>
  /** Up to `limit` lines behind a position, oldest first; null: behind the newest line there is, so none. */
  logAfter(position: Position | null, limit: number): Promise<LogTail>
}

/** The stores of all actors of a cluster. */
export interface ActorStores {
  actor(name: string): ActorStore
  close(): void
}
