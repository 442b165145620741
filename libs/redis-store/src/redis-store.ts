import {
  BEFORE_ALL,
  type Commit,
  type Letter,
  type Ownership,
  type PeerAnswer,
  type PeerCommand,
  type Position,
  type StoreAnswer,
  type StoreCommand,
} from '@kvasir/coordinator-core'
import type { Redis } from 'ioredis'
import type { Connection } from './connection.js'
import { functionName, librarySource } from './functions/library.js'
import { type ActorKeys, keysOf } from './keys.js'

/** Messages kept of an inbox that nobody reads, and lines kept of a decision log; both about. */
const INBOX_LENGTH = 1_000
const LOG_LENGTH = 100_000

/** A value as a function answers it. */
type Reply = string | number | null | readonly Reply[]

/**
 * The store of one actor over Redis. Every command is answered: `failed` says that nothing is known of what became of it. Commands
 * of one store are carried out in the order in which they were given.
 */
export class RedisStore {
  readonly #connection: Connection
  readonly #keys: ActorKeys
  /** The owner's last answer: the next one is handed over after it. */
  #handedOver: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection, actor: string) {
    this.#connection = connection
    this.#keys = keysOf(actor)
  }

  /**
   * Carries out a command of an owner or of a standby. Answers are handed over in order too: answers that come together are not read
   * equally fast, and a look at the store that seems to come after a commit, but is older, looks as if the store had forgotten it.
   */
  own(command: StoreCommand): Promise<StoreAnswer> {
    const answer = this.#answerTo(command)
    const inOrder = this.#handedOver.then(() => answer)
    this.#handedOver = inOrder
    return inOrder
  }

  async #answerTo(command: StoreCommand): Promise<StoreAnswer> {
    try {
      return await this.#connection.run((client) => this.#own(client, command))
    } catch (error) {
      return { kind: 'failed', detail: messageOf(error) }
    }
  }

  /** Carries out a command of a peer. */
  async peer(command: PeerCommand): Promise<PeerAnswer> {
    try {
      return await this.#connection.run((client) => this.#peer(client, command))
    } catch (error) {
      return { kind: 'failed', detail: messageOf(error) }
    }
  }

  /** The newest `count` lines of the decision log, oldest first. @throws when Redis does not answer. */
  async newestLog(count: number): Promise<readonly string[]> {
    const entries = await this.#connection.run((client) =>
      client.xrevrange(this.#keys.log, '+', '-', 'COUNT', count),
    )
    return entries.map(([, fields]) => fields[1]).reverse()
  }

  /**
   * Up to `limit` lines of the decision log behind a position, and where they end; null: behind the newest line.
   * @throws when Redis does not answer.
   */
  async logAfter(
    position: Position | null,
    limit: number,
  ): Promise<{ readonly position: Position; readonly lines: readonly string[] }> {
    const { log } = this.#keys
    if (position === null) {
      const [newest] = await this.#connection.run((client) => client.xrevrange(log, '+', '-', 'COUNT', 1))
      return { position: newest?.[0] ?? BEFORE_ALL, lines: [] }
    }
    const entries = await this.#connection.run((client) =>
      client.xrange(log, `(${position}`, '+', 'COUNT', limit),
    )
    return { position: entries.at(-1)?.[0] ?? position, lines: entries.map(([, fields]) => fields[1]) }
  }

  async #own(client: Redis, command: StoreCommand): Promise<StoreAnswer> {
    const keys = this.#keys
    switch (command.kind) {
      case 'observe':
        return { kind: 'observed', own: ownershipIn(await client.hmget(keys.own, ...ownershipFields)) }
      case 'acquire': {
        const { seen, by } = command
        const before = seen === null ? ['', '', ''] : [String(seen.term), seen.by, String(seen.beat)]
        return acquiredIn(
          await this.#call(client, 'acquire', [keys.own, keys.state, keys.positions], [by, ...before]),
        )
      }
      case 'commit':
        return committedIn(await this.#commit(client, command.commit))
      case 'peek':
        return this.#peek(client, command)
      case 'retire': {
        const { term, by, peer } = command
        const places = [keys.document(peer), keys.heartbeat(peer), keys.inbox(peer)]
        const reply = await this.#call(
          client,
          'retire',
          [keys.own, keys.peers, keys.positions, keys.budgets, ...places],
          [String(term), by, peer],
        )
        const [kind, own] = listIn(reply)
        return kind === 'retired' ? { kind } : { kind: 'fenced', own: ownershipIn(own) }
      }
    }
  }

  #commit(client: Redis, commit: Commit): Promise<Reply> {
    const { term, by, version, id, epoch, state, documents, budgets = [], log, positions, last } = commit
    const keys = this.#keys
    const places = documents.map(({ peer }) => keys.document(peer))
    const inboxes = positions.map(({ peer }) => keys.inbox(peer))
    const head = [term, by, version, id, epoch, last ? 1 : 0, state === undefined ? 0 : 1, state ?? '']
    const sizes = [LOG_LENGTH, documents.length, log.length, positions.length, budgets.length]
    const body = [
      ...documents.flatMap(({ peer, text }) => [keys.tick(peer), text]),
      ...log,
      ...positions.flatMap(({ peer, position }) => [peer, position]),
      ...budgets.flatMap(({ peer, text }) => [peer, text]),
      ...(budgets.length > 0 ? [keys.budgets] : []),
    ]
    return this.#call(
      client,
      'commit',
      [keys.own, keys.state, keys.positions, keys.log, keys.budgets, ...places, ...inboxes],
      [...head, ...sizes, ...body].map(String),
    )
  }

  async #peek(
    client: Redis,
    { positions, limit, some }: Extract<StoreCommand, { kind: 'peek' }>,
  ): Promise<StoreAnswer> {
    const keys = this.#keys
    const places = positions.flatMap(({ peer }) => [keys.heartbeat(peer), keys.inbox(peer)])
    const args = [String(limit), some ? '0' : '1', ...positions.map(({ position }) => position)]
    const [own, peers, said] = listIn(
      await this.#call(client, 'peek', [keys.own, keys.peers, ...places], args),
    )
    const each = listIn(said).map((entry, i) => ({ peer: positions[i].peer, entry: listIn(entry) }))
    return {
      kind: 'peeked',
      own: ownershipIn(own),
      ...(some ? {} : { peers: listIn(peers).map(String).sort() }),
      heartbeats: each.flatMap(({ peer, entry: [text] }) =>
        typeof text === 'string' ? [{ peer, text }] : [],
      ),
      letters: each.flatMap(({ peer, entry: [, messages] }) =>
        listIn(messages).map((message) => letterIn(peer, message)),
      ),
    }
  }

  async #peer(client: Redis, command: PeerCommand): Promise<PeerAnswer> {
    const keys = this.#keys
    const { peer } = command
    switch (command.kind) {
      case 'say': {
        const args = [keys.bell, peer, command.text, String(INBOX_LENGTH)]
        const position = await this.#call(client, 'say', [keys.inbox(peer), keys.peers], args)
        return { kind: 'said', position: String(position) }
      }
      case 'beat': {
        const places = [keys.heartbeat(peer), keys.peers, keys.document(peer), keys.budgets]
        const args = [keys.bell, peer, command.text, command.ring ? '1' : '0']
        return documentIn(listIn(await this.#call(client, 'beat', places, args)))
      }
      case 'read':
        return documentIn(
          await Promise.all([client.get(keys.document(peer)), client.hget(keys.budgets, peer)]),
        )
    }
  }

  /** Calls a function, and loads the library first where it is missing: a new server, or a cluster's new master. */
  async #call(client: Redis, verb: string, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const call = () =>
      client.call('FCALL', functionName(verb), keys.length, ...keys, ...args) as Promise<Reply>
    try {
      return await call()
    } catch (error) {
      if (!/function not found/i.test(messageOf(error))) throw error
      await client.call('FUNCTION', 'LOAD', 'REPLACE', librarySource)
      return call()
    }
  }
}

const ownershipFields = ['term', 'by', 'beat', 'version', 'epoch', 'commit'] as const

function ownershipIn(reply: Reply): Ownership | null {
  if (!Array.isArray(reply) || reply[0] === null) return null
  const [term, by, beat, version, epoch, commitId] = reply.map(String)
  return {
    term: Number(term),
    by,
    beat: Number(beat),
    version: Number(version),
    epoch: Number(epoch),
    commitId,
  }
}

function acquiredIn(reply: Reply): StoreAnswer {
  const [kind, own, state, positions] = listIn(reply)
  const ownership = ownershipIn(own)
  if (kind !== 'acquired' || ownership === null) return { kind: 'fenced', own: ownership }
  const flat = listIn(positions).map(String)
  return {
    kind: 'acquired',
    own: ownership,
    state: typeof state === 'string' ? state : null,
    positions: flat.flatMap((peer, i) => (i % 2 === 0 ? [{ peer, position: flat[i + 1] }] : [])),
  }
}

function committedIn(reply: Reply): StoreAnswer {
  const [kind, value] = listIn(reply)
  return kind === 'committed'
    ? { kind: 'committed', version: Number(value) }
    : { kind: 'fenced', own: ownershipIn(value) }
}

function documentIn([text, budget]: readonly Reply[]): PeerAnswer {
  const document = typeof text === 'string' ? text : null
  return { kind: 'document', text: document, ...(typeof budget === 'string' ? { budget } : {}) }
}

/** An entry of a stream: its position, and one field with the text. */
function letterIn(peer: string, message: Reply): Letter {
  const [position, fields] = listIn(message)
  return { peer, position: String(position), text: String(listIn(fields)[1]) }
}

function listIn(reply: Reply): readonly Reply[] {
  if (!Array.isArray(reply))
    throw new TypeError(`Redis answered ${JSON.stringify(reply)} where a list was due`)
  return reply
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
