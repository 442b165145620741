import type { Bell, Letter, SaidTexts } from '@kvasir/coordinator-core'

/** So many messages wait at most until they are heard; whoever rings then is looked at afterwards. */
const MESSAGES_MOST = 256

/** What bells bring while an owner is still busy with what they brought before. */
export class BellBasket {
  #letters: Letter[] = []
  /** The newest of each peer. */
  #heartbeats = new Map<string, string>()

  /** False: it is full. */
  put(bell: Exclude<Bell, { kind: 'rang' }>): boolean {
    if (this.#letters.length + this.#heartbeats.size >= MESSAGES_MOST) return false
    if (bell.kind === 'letter') this.#letters.push(bell.letter)
    else this.#heartbeats.set(bell.peer, bell.text)
    return true
  }

  /** Everything in it, which it then has no more; undefined when it is empty. */
  empty(): SaidTexts | undefined {
    if (this.#letters.length + this.#heartbeats.size === 0) return undefined
    const heartbeats = [...this.#heartbeats].map(([peer, text]) => ({ peer, text }))
    const said = { letters: this.#letters, heartbeats }
    this.#letters = []
    this.#heartbeats = new Map()
    return said
  }
}
