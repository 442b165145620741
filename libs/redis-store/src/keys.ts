/**
 * Keys of one actor. All carry one hash tag, so that they lie on one node of a Redis Cluster and a function may touch them together;
 * losses of a failover are one common suffix of them (reference/reliability.md §3.0, A3).
 */
export interface ActorKeys {
  readonly own: string
  readonly state: string
  readonly positions: string
  readonly peers: string
  readonly log: string
  /** Channel on which peers ring for the owner. */
  readonly bell: string
  /** Budgets of all peers, newer than their documents; and the channel on which all of them hear those that have changed. */
  readonly budgets: string
  document(peer: string): string
  heartbeat(peer: string): string
  inbox(peer: string): string
  /** Channel on which a peer hears that its document has changed. */
  tick(peer: string): string
}

/** @throws {RangeError} when the actor's name would end the hash tag early. */
export function keysOf(actor: string): ActorKeys {
  if (!/^[^{}]+$/.test(actor))
    throw new RangeError(`actor "${actor}": a name has at least one character and no braces`)
  const prefix = `kvasir:{${actor}}:`
  return {
    own: `${prefix}own`,
    state: `${prefix}state`,
    positions: `${prefix}positions`,
    peers: `${prefix}peers`,
    log: `${prefix}log`,
    bell: `${prefix}bell`,
    budgets: `${prefix}budgets`,
    document: (peer) => `${prefix}doc:${peer}`,
    heartbeat: (peer) => `${prefix}hb:${peer}`,
    inbox: (peer) => `${prefix}in:${peer}`,
    tick: (peer) => `${prefix}tick:${peer}`,
  }
}
