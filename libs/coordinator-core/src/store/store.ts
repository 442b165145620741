/**
 * What an owner needs of a store, as commands and the answers to them: the port is data, so that the owner stays a machine. An
 * adapter carries commands out one after another; `MemoryStore` is the twin without I/O. Both pass `store-contract.ts`.
 *
 * The store holds, for each actor (a pool, or the cluster): who owns it, its packed state, one absolute document for each of its
 * peers, what each peer said (a heartbeat that is overwritten, and an inbox of numbered messages) and a log of decisions. It
 * decides nothing. It may forget any suffix of what it was told (reference/reliability.md §3.0): nothing safe rests on it alone.
 */

/** Who owns an actor. There is no time in it: whether an owner still lives is judged by watching it change. */
export interface Ownership {
  /** Rises with every acquisition. */
  readonly term: number
  /** Drawn at random for each acquisition; empty when the owner has resigned. */
  readonly by: string
  /** Rises with every commit: a sign of life. */
  readonly beat: number
  /** Rises with every commit of any owner. */
  readonly version: number
  readonly epoch: number
  /** Of the newest commit, so that an owner whose answer was lost can tell whether it happened. */
  readonly commitId: string
}

/** Position of a message in a peer's inbox: `milliseconds-sequence`, as the store numbers them. */
export type Position = string

/** What comes before every message. */
export const BEFORE_ALL: Position = '0-0'

export interface Letter {
  readonly peer: string
  readonly position: Position
  readonly text: string
  /** Of the message before it in its inbox, in a bell: whoever has read that far misses none. In a look there are no gaps. */
  readonly after?: Position
}

export interface PeerText {
  readonly peer: string
  readonly text: string
}

/** Everything one step of an owner changed, written whole or not at all. */
export interface Commit {
  readonly term: number
  readonly by: string
  /** The version this commit follows. */
  readonly version: number
  /** Unique per attempt to change something; the same when the same commit is sent again. */
  readonly id: string
  readonly epoch: number
  /** Packed state of the actor; absent when it has not changed. */
  readonly state?: string
  /** Documents that changed. */
  readonly documents: readonly PeerText[]
  /** Of peers whose documents changed in their budgets alone, beside the documents that they have. */
  readonly budgets?: readonly PeerText[]
  /** Lines of the decision log. */
  readonly log: readonly string[]
  /** How far the inboxes were read. */
  readonly positions: readonly { readonly peer: string; readonly position: Position }[]
  /** The owner's last: nobody owns the actor after it, and whoever sees that need not wait. */
  readonly last?: true
}

export type StoreCommand =
  | { readonly kind: 'observe' }
  /** Takes the actor over if nothing has changed since it was seen; `seen` null: there was no owner yet. */
  | { readonly kind: 'acquire'; readonly seen: Ownership | null; readonly by: string }
  | { readonly kind: 'commit'; readonly commit: Commit }
  /**
   * What peers have said: every heartbeat, and up to `limit` messages of each inbox behind its position. `some`: only what those have said
   * whose positions are given, and not who else there is.
   */
  | {
      readonly kind: 'peek'
      readonly positions: readonly { readonly peer: string; readonly position: Position }[]
      readonly limit: number
      readonly some?: true
    }
  /** Removes all that is kept of a peer. */
  | { readonly kind: 'retire'; readonly term: number; readonly by: string; readonly peer: string }

export type StoreAnswer =
  | { readonly kind: 'observed'; readonly own: Ownership | null }
  | {
      readonly kind: 'acquired'
      readonly own: Ownership
      readonly state: string | null
      readonly positions: readonly { readonly peer: string; readonly position: Position }[]
    }
  | { readonly kind: 'committed'; readonly version: number }
  | {
      readonly kind: 'peeked'
      readonly own: Ownership | null
      /** All peers that ever said anything and were not retired; absent when only some were looked at. */
      readonly peers?: readonly string[]
      readonly heartbeats: readonly PeerText[]
      /** By peer, in the order of each inbox. */
      readonly letters: readonly Letter[]
    }
  | { readonly kind: 'retired' }
  /** Term, owner or version is not what the command names: somebody else owns the actor, or the store has forgotten. */
  | { readonly kind: 'fenced'; readonly own: Ownership | null }
  /** No answer in time, or none that says whether the command was carried out. */
  | { readonly kind: 'failed'; readonly detail: string }

/** What a peer of an actor does with the store. */
export type PeerCommand =
  /** Adds a message to the peer's inbox, and rings for the owner. */
  | { readonly kind: 'say'; readonly peer: string; readonly text: string }
  /** Overwrites the peer's heartbeat and reads its document. `ring`: the owner shall look at it now. */
  | { readonly kind: 'beat'; readonly peer: string; readonly text: string; readonly ring: boolean }
  | { readonly kind: 'read'; readonly peer: string }

export type PeerAnswer =
  | { readonly kind: 'said'; readonly position: Position }
  /** `budget`: the newest that was committed beside a document, if one ever was; it may be older than the document. */
  | { readonly kind: 'document'; readonly text: string | null; readonly budget?: string }
  | { readonly kind: 'failed'; readonly detail: string }

/**
 * What rings for an owner. Nothing rests on it: all of it is in the store, and is found by the next look at all. `rang` says only who
 * has said something; the empty name: somebody may have.
 */
export type Bell =
  | { readonly kind: 'letter'; readonly letter: Letter }
  | { readonly kind: 'heartbeat'; readonly peer: string; readonly text: string }
  | { readonly kind: 'rang'; readonly peer: string }

/** What a peer hears when a commit has something for it. `missed`: there may have been something, and it is to be read. */
export type Tick =
  | { readonly kind: 'document' | 'budget'; readonly text: string }
  | { readonly kind: 'missed' }
