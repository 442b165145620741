import type { Heard, HeardMessages, Peeked, SaidTexts, Speech } from '@kvasir/coordinator-core'

/**
 * What stands between an actor's store and its owner's machine: reads what peers said, and may take its time. While it does, nothing
 * more is read: letters wait in the store.
 */
export interface Ears<S extends Speech> {
  hear(peeked: Peeked): Heard<S> | Promise<Heard<S>>
  /** What bells brought. */
  listen(said: SaidTexts): HeardMessages<S> | Promise<HeardMessages<S>>
  /** The document of the actor above; undefined when it is none, or for nobody. */
  word(text: string): S['word'] | undefined | Promise<S['word'] | undefined>
}
