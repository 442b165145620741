import type { SaidIn } from './said.js'

/** What a transport tells whoever watches over the process. */
export type TransportTrouble = SaidIn &
  /** Somebody wrote what is no message of its place: it is passed over. */
  (
    | { readonly kind: 'unreadable'; readonly problems: readonly string[] }
    /** The message lies where it lay, and is handled again. */
    | { readonly kind: 'handler_failed'; readonly pattern: string; readonly error: unknown }
    /** The store cannot be listened to. */
    | { readonly kind: 'deaf'; readonly error: unknown }
  )

/** As it is logged: pino prints what is called `err`. */
export function loggedTrouble(trouble: TransportTrouble): object {
  const { actor, peer } = trouble
  if (trouble.kind === 'unreadable') return { actor, peer, problems: trouble.problems }
  return { actor, peer, err: trouble.error, ...(trouble.kind === 'deaf' ? {} : { pattern: trouble.pattern }) }
}

export type TransportNews = (trouble: TransportTrouble) => void
