import {
  BEFORE_ALL,
  type Bell,
  type Commit,
  type Letter,
  type Ownership,
  type PeerAnswer,
  type PeerCommand,
  type Position,
  type StoreAnswer,
  type StoreCommand,
} from './store.js'

/** Messages kept of an inbox that nobody reads, and lines of the decision log at least: as over Redis. */
const INBOX_LENGTH = 1_000
const LOG_LENGTH = 100_000

/** All that the store keeps of one actor. Values are replaced, never changed: a copy of the maps is a snapshot. */
interface Record {
  own: Ownership | null
  state: string | null
  positions: Map<string, Position>
  documents: Map<string, string>
  budgets: Map<string, string>
  heartbeats: Map<string, string>
  inboxes: Map<string, readonly Letter[]>
  /** The newest lines; trimmed now and then, so that a line costs the same however long the log is. */
  log: string[]
  /** Of the last letter, in any inbox. */
  letters: number
}

/**
 * The store in memory, for one actor: what the simulator and the embedded cluster run on, and the yardstick of the contract suite.
 * Like the real one it may be made to forget what was written last (`forget`), but never half of a commit.
 */
export class MemoryStore {
  #now: Record = emptyRecord()
  #past: Record[] = []
  readonly #historyLength: number

  /** @param historyLength how many writes can be forgotten at most. */
  constructor(historyLength = 0) {
    this.#historyLength = historyLength
  }

  /** Carries out a command of an owner or of a standby. */
  own(command: StoreCommand): StoreAnswer {
    switch (command.kind) {
      case 'observe':
        return { kind: 'observed', own: this.#now.own }
      case 'acquire':
        return this.#acquire(command.seen, command.by)
      case 'commit':
        return this.#commit(command.commit)
      case 'peek':
        return this.#peek(command)
      case 'retire':
        return this.#retire(command)
    }
  }

  /** Carries out a command of a peer. */
  peer(command: PeerCommand): PeerAnswer {
    switch (command.kind) {
      case 'say': {
        const position = this.#write((record) => {
          const { peer, text } = command
          const letter = { peer, text, position: `${++record.letters}-0` }
          const unread = record.inboxes.get(peer) ?? []
          record.inboxes.set(peer, [...unread.slice(1 - INBOX_LENGTH), letter])
          return letter.position
        })
        return { kind: 'said', position }
      }
      case 'beat':
        this.#write((record) => record.heartbeats.set(command.peer, command.text))
        return this.#document(command.peer)
      case 'read':
        return this.#document(command.peer)
    }
  }

  /** With what a command of a peer rings, if it does. @param answer what the command was answered. */
  bellOf(command: PeerCommand, answer: PeerAnswer): Bell | undefined {
    const { peer } = command
    if (command.kind === 'beat' && command.ring) return { kind: 'heartbeat', peer, text: command.text }
    if (command.kind !== 'say' || answer.kind !== 'said') return undefined
    const { position } = answer
    const inbox = this.#now.inboxes.get(peer) ?? []
    const before = inbox[inbox.findIndex((letter) => letter.position === position) - 1]?.position
    const after = before ?? this.#now.positions.get(peer) ?? BEFORE_ALL
    return { kind: 'letter', letter: { peer, position, after, text: command.text } }
  }

  get log(): readonly string[] {
    return this.#now.log
  }

  /** Drops the newest writes, as a failover to a replica that lagged would. Says how many it could drop. */
  forget(writes: number): number {
    const dropped = Math.min(writes, this.#past.length)
    const kept = this.#past.length - dropped
    if (dropped > 0) this.#now = this.#past[kept]
    this.#past = this.#past.slice(0, kept)
    return dropped
  }

  /** Drops everything. */
  clear(): void {
    this.#now = emptyRecord()
    this.#past = []
  }

  #acquire(seen: Ownership | null, by: string): StoreAnswer {
    const { own } = this.#now
    if (!sameOwner(own, seen)) return { kind: 'fenced', own }
    const next: Ownership = {
      term: (own?.term ?? 0) + 1,
      by,
      beat: 0,
      version: own?.version ?? 0,
      epoch: own?.epoch ?? 0,
      commitId: own?.commitId ?? '',
    }
    this.#write((record) => {
      record.own = next
    })
    const { state, positions } = this.#now
    return {
      kind: 'acquired',
      own: next,
      state,
      positions: [...positions].map(([peer, position]) => ({ peer, position })),
    }
  }

  #commit(commit: Commit): StoreAnswer {
    const { own } = this.#now
    if (own === null || own.term !== commit.term || own.by !== commit.by || own.version !== commit.version)
      return { kind: 'fenced', own }
    const version = own.version + 1
    this.#write((record) => {
      const by = commit.last ? '' : own.by
      record.own = { ...own, by, version, beat: own.beat + 1, epoch: commit.epoch, commitId: commit.id }
      if (commit.state !== undefined) record.state = commit.state
      for (const { peer, text } of commit.documents) record.documents.set(peer, text)
      for (const { peer, text } of commit.budgets ?? []) record.budgets.set(peer, text)
      for (const { peer, position } of commit.positions) {
        record.positions.set(peer, position)
        const unread = record.inboxes.get(peer)?.filter((letter) => isBehind(letter.position, position))
        if (unread) record.inboxes.set(peer, unread)
      }
      record.log.push(...commit.log)
      if (record.log.length > 2 * LOG_LENGTH) record.log = record.log.slice(-LOG_LENGTH)
    })
    return { kind: 'committed', version }
  }

  #peek({ positions, limit, some }: Extract<StoreCommand, { kind: 'peek' }>): StoreAnswer {
    const { own, heartbeats, inboxes } = this.#now
    const from = new Map(positions.map(({ peer, position }) => [peer, position]))
    const looksAt = (peer: string) => !some || from.has(peer)
    const letters = [...inboxes].flatMap(([peer, inbox]) =>
      looksAt(peer)
        ? inbox.filter(({ position }) => isBehind(position, from.get(peer) ?? BEFORE_ALL)).slice(0, limit)
        : [],
    )
    return {
      kind: 'peeked',
      own,
      ...(some ? {} : { peers: [...new Set([...heartbeats.keys(), ...inboxes.keys()])].sort() }),
      heartbeats: [...heartbeats].flatMap(([peer, text]) => (looksAt(peer) ? [{ peer, text }] : [])),
      letters,
    }
  }

  #retire(command: { readonly term: number; readonly by: string; readonly peer: string }): StoreAnswer {
    const { own } = this.#now
    if (own?.term !== command.term || own.by !== command.by) return { kind: 'fenced', own }
    this.#write((record) => {
      record.documents.delete(command.peer)
      record.budgets.delete(command.peer)
      record.heartbeats.delete(command.peer)
      record.inboxes.delete(command.peer)
      record.positions.delete(command.peer)
    })
    return { kind: 'retired' }
  }

  #document(peer: string): PeerAnswer {
    const budget = this.#now.budgets.get(peer)
    const text = this.#now.documents.get(peer) ?? null
    return { kind: 'document', text, ...(budget === undefined ? {} : { budget }) }
  }

  #write<T>(change: (record: Record) => T): T {
    if (this.#historyLength > 0) {
      this.#past.push(this.#now)
      if (this.#past.length > this.#historyLength) this.#past.shift()
      this.#now = copyOf(this.#now)
    }
    return change(this.#now)
  }
}

/** Whether a message comes after a position. */
export function isBehind(message: Position, position: Position): boolean {
  const [messageMs, messageSequence] = parts(message)
  const [ms, sequence] = parts(position)
  return messageMs > ms || (messageMs === ms && messageSequence > sequence)
}

function parts(position: Position): readonly [number, number] {
  const dash = position.indexOf('-')
  return [Number(position.slice(0, dash)), Number(position.slice(dash + 1))]
}

/** Whether nothing was acquired or committed between two observations. */
export function sameOwner(a: Ownership | null, b: Ownership | null): boolean {
  if (a === null || b === null) return a === b
  return a.term === b.term && a.by === b.by && a.beat === b.beat
}

function emptyRecord(): Record {
  return {
    own: null,
    state: null,
    positions: new Map(),
    documents: new Map(),
    budgets: new Map(),
    heartbeats: new Map(),
    inboxes: new Map(),
    log: [],
    letters: 0,
  }
}

function copyOf(record: Record): Record {
  return {
    ...record,
    log: [...record.log],
    positions: new Map(record.positions),
    documents: new Map(record.documents),
    budgets: new Map(record.budgets),
    heartbeats: new Map(record.heartbeats),
    inboxes: new Map(record.inboxes),
  }
}
