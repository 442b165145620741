import type { Letter, Ownership, PeerText, Position, StoreAnswer } from '../store/store.js'

/** What the peers of one kind of actor say, and the one above it, as types. */
export interface Speech {
  /** Numbered, in an inbox. */
  readonly letter: unknown
  /** Overwritten by the next one. */
  readonly heartbeat: unknown
  /** The document of the actor above. */
  readonly word: unknown
}

export type Peeked = Extract<StoreAnswer, { kind: 'peeked' }>

/** What peers said, as texts. */
export type SaidTexts = Pick<Peeked, 'letters' | 'heartbeats'>

/**
 * A look at the store after its texts were read: what an owner's machine hears. Reading is done at the edge, by whoever drives the
 * machine, because schemas belong there and because who reads may take his time: letters that are not here yet are still in the store.
 */
export interface Heard<S extends Speech> extends HeardMessages<S> {
  readonly kind: 'heard'
  readonly own: Ownership | null
  /** All peers that ever said anything and were not retired; undefined when only some were looked at. */
  readonly peers: readonly string[] | undefined
}

/** What peers said, in a look at the store or with their bells. */
export interface HeardMessages<S extends Speech> {
  readonly letters: readonly HeardLetter<S>[]
  /** Every peer's newest; the same object as long as the peer says the same. */
  readonly heartbeats: readonly { readonly peer: string; readonly message: S['heartbeat'] }[]
}

/**
 * In the order of each inbox, and without gaps but for those that `after` says (see `Letter`). `read` undefined: it was no message, or none for
 * the owner; it counts as read.
 */
export interface HeardLetter<S extends Speech> {
  readonly peer: string
  readonly position: Position
  readonly after?: Position
  readonly read: { readonly message: S['letter'] } | undefined
}

/** Reads texts; undefined when one is not what it should be. */
export interface Reader<S extends Speech> {
  letter(text: string): S['letter'] | undefined
  heartbeat(text: string): S['heartbeat'] | undefined
  word(text: string): S['word'] | undefined
}

/** Reads what peers said at once, and each heartbeat once: for whoever drives an owner without handlers in between. */
export class Ear<S extends Speech> {
  readonly #reader: Reader<S>
  /** By peer; undefined when it could not be read. */
  readonly #heartbeats = new Map<
    string,
    { readonly text: string; readonly message: S['heartbeat'] | undefined }
  >()

  constructor(reader: Reader<S>) {
    this.#reader = reader
  }

  hear(peeked: Peeked): Heard<S> {
    const { own, peers } = peeked
    return { kind: 'heard', own, peers, ...this.listen(peeked) }
  }

  /** What rang. */
  listen({ letters, heartbeats }: SaidTexts): HeardMessages<S> {
    return {
      letters: letters.map((letter) => this.#letter(letter)),
      heartbeats: heartbeats.flatMap((heartbeat) => this.#heartbeat(heartbeat)),
    }
  }

  word(text: string): S['word'] | undefined {
    return this.#reader.word(text)
  }

  #letter({ peer, position, text, after }: Letter): HeardLetter<S> {
    const message = this.#reader.letter(text)
    const read = message === undefined ? undefined : { message }
    return { peer, position, read, ...(after === undefined ? {} : { after }) }
  }

  #heartbeat({ peer, text }: PeerText): Heard<S>['heartbeats'] {
    const known = this.#heartbeats.get(peer)
    const message = known?.text === text ? known.message : this.#reader.heartbeat(text)
    this.#heartbeats.set(peer, { text, message })
    return message === undefined ? [] : [{ peer, message }]
  }
}
