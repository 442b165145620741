import type {
  Heard,
  HeardLetter,
  HeardMessages,
  Letter,
  Peeked,
  PeerText,
  SaidTexts,
  Speech,
} from '@kvasir/coordinator-core'
import type { Ears } from '../live/ears.js'
import { Handlers, type Handling } from './handlers.js'
import { clusterLanguage, type Language, type Place, patternsOf, poolLanguage } from './language.js'
import { readText } from '../live/read-text.js'
import { Said } from './said.js'
import type { TransportNews } from './news.js'

/** Speaks, so that its kind is its pattern. */
interface Kinded {
  readonly kind: string
}

type Handle = <T>(pattern: string, message: T, said: Said<T>) => Promise<Handling<T>>

/**
 * What peers say to the owners of one process, as Nest's messages: each look at the store is read by the schemas of contracts and
 * handed, in order and one by one, to the handler of its pattern; what handlers pass on is one input of the machine.
 * How far inboxes were read is decided there and committed with what was decided, so a message is processed once, however
 * often it was handled.
 */
export class OwnerTransport extends Handlers {
  readonly #news: TransportNews

  constructor(news: TransportNews) {
    super([...patternsOf(poolLanguage), ...patternsOf(clusterLanguage)])
    this.#news = news
  }

  /** For the driver of one actor. */
  ears<S extends Speech & { readonly letter: Kinded }>(actor: string, language: Language<S>): Ears<S> {
    return new HandledEars(actor, language, (...message) => this.handle(...message), this.#news)
  }
}

class HandledEars<S extends Speech & { readonly letter: Kinded }> implements Ears<S> {
  readonly #actor: string
  readonly #language: Language<S>
  readonly #handle: Handle
  readonly #news: TransportNews
  /** By peer, the one that was handled last: a heartbeat is handled once. */
  readonly #heartbeats = new Map<string, { readonly text: string; readonly heard: Heard<S>['heartbeats'] }>()

  constructor(actor: string, language: Language<S>, handle: Handle, news: TransportNews) {
    this.#actor = actor
    this.#language = language
    this.#handle = handle
    this.#news = news
  }

  async hear(peeked: Peeked): Promise<Heard<S>> {
    const { own, peers } = peeked
    const messages = await this.listen(peeked)
    if (peers && this.#heartbeats.size > peers.length) this.#forgetAllBut(new Set(peers))
    return { kind: 'heard', own, peers, ...messages }
  }

  async listen({ letters, heartbeats }: SaidTexts): Promise<HeardMessages<S>> {
    const heardLetters = await this.#letters(letters)
    const heardBeats: Heard<S>['heartbeats'][number][] = []
    for (const heartbeat of heartbeats) heardBeats.push(...(await this.#heartbeat(heartbeat)))
    return { letters: heardLetters, heartbeats: heardBeats }
  }

  #forgetAllBut(peers: ReadonlySet<string>): void {
    for (const peer of this.#heartbeats.keys()) if (!peers.has(peer)) this.#heartbeats.delete(peer)
  }

  async word(text: string): Promise<S['word'] | undefined> {
    const { word } = this.#language
    const handling = word && (await this.#handled({ peer: '', text }, word))
    return handling?.kind === 'passed' ? handling.message : undefined
  }

  /** An inbox is heard up to the first letter whose handler fails: the others are still there at the next look. */
  async #letters(letters: readonly Letter[]): Promise<readonly HeardLetter<S>[]> {
    const { schema } = this.#language.letters
    const heard: HeardLetter<S>[] = []
    const stuck = new Set<string>()
    for (const letter of letters) {
      const { peer, position, after } = letter
      if (stuck.has(peer)) continue
      const handling = await this.#handled(letter, { schema, pattern: ({ kind }) => kind })
      if (handling.kind === 'failed') {
        stuck.add(peer)
        continue
      }
      const read = handling.kind === 'passed' ? handling : undefined
      heard.push({ peer, position, read, ...(after === undefined ? {} : { after }) })
    }
    return heard
  }

  async #heartbeat(heartbeat: PeerText): Promise<Heard<S>['heartbeats']> {
    const { peer, text } = heartbeat
    const known = this.#heartbeats.get(peer)
    if (known?.text === text) return known.heard
    const handling = await this.#handled(heartbeat, this.#language.heartbeat)
    if (handling.kind === 'failed') return []
    const heard = handling.kind === 'passed' ? [{ peer, message: handling.message }] : []
    this.#heartbeats.set(peer, { text, heard })
    return heard
  }

  /** What cannot be read is dropped. */
  async #handled<T>(
    { peer, text }: PeerText,
    place: Omit<Place<T>, 'pattern'> & { readonly pattern: string | ((message: T) => string) },
  ): Promise<Handling<T>> {
    const where = { actor: this.#actor, peer }
    const read = readText(place.schema, text)
    if (read.kind === 'unreadable') {
      this.#news({ ...where, ...read })
      return { kind: 'dropped' }
    }
    const { message } = read
    const pattern = typeof place.pattern === 'string' ? place.pattern : place.pattern(message)
    const handling = await this.#handle(pattern, message, new Said<T>(where))
    if (handling.kind === 'failed')
      this.#news({ ...where, kind: 'handler_failed', pattern, error: handling.error })
    return handling
  }
}
