import type {
  Bell,
  PeerAnswer,
  PeerCommand,
  Position,
  StoreAnswer,
  StoreCommand,
  Tick,
} from '@kvasir/coordinator-core'

/** Lines of a decision log, and where they end. */
export interface LogTail {
  readonly position: Position
  readonly lines: readonly string[]
}

/** The store of one actor, as a live process uses it. Commands are carried out in the order in which they are given, and each is answered. */
export interface ActorStore {
  own(command: StoreCommand): Promise<StoreAnswer>
  peer(command: PeerCommand): Promise<PeerAnswer>
  /** Calls `listener` when a peer has something to say that should not wait. Answers how to stop. */
  onBell(listener: (bell: Bell) => void): Promise<() => void>
  /** Calls `listener` when a commit has something for a peer. Answers how to stop. */
  onTick(peer: string, listener: (tick: Tick) => void): Promise<() => void>
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
