import type { DeviceCommand } from '@kvasir/contracts'
import type { Epoch, Micros } from '@kvasir/kernel'
import type { Speech } from './heard.js'

/**
 * What decides for an actor while a process owns it. It keeps its state in memory; what it decides reaches the world only through
 * the commits of its owner, so that a decision is either durable and seen, or neither.
 */
export interface Hosted<S extends Speech = Speech> {
  /** @param more whether another input follows at once: documents may wait for the last. */
  step(now: Micros, input: HostedInput<S>, more?: boolean): HostedOutput
  /** Whether nobody has work: what is not rung for can wait longer. Absent: it cannot. */
  readonly quiet?: boolean
  nextDeadline(): Micros | undefined
  /** All that the next owner must know. */
  pack(): string
}

export type HostedInput<S extends Speech = Speech> =
  | { readonly kind: 'wake' }
  /** A numbered message, in the order of its peer's inbox. */
  | { readonly kind: 'letter'; readonly peer: string; readonly message: S['letter'] }
  /** A peer's newest heartbeat, once. */
  | { readonly kind: 'heartbeat'; readonly peer: string; readonly message: S['heartbeat'] }
  /** The newest document of the actor above: a pool's owner is a peer of the cluster's. */
  | { readonly kind: 'word'; readonly word: S['word'] }
  /** What the device says is mapped, after everything it was told to take. */
  | { readonly kind: 'mapping'; readonly held: readonly HeldBundles[] }

/** What a peer shall read, in full. It becomes text when it is committed, and only if no newer one has replaced it by then. */
export interface HostedDocument {
  readonly peer: string
  /** A text is written as it is. */
  readonly body: object | string
  /** The same, said beside the document that the peer was last told in full. */
  readonly budget?: object
}

export interface HostedOutput {
  readonly documents: readonly HostedDocument[]
  /** Lines of the decision log. */
  readonly log: readonly string[]
  /** To be done once the commit that explains them is durable. */
  readonly device: readonly DeviceCommand[]
  /** Peers of whom nothing need be kept. */
  readonly retired: readonly string[]
  /** Whether the packed state has changed. */
  readonly changed: boolean
  /** It has changed in nothing that the next owner would do worse without: it may be packed later, and with other changes. */
  readonly drifted?: true
  /** The heartbeat of this actor as a peer of the one above. It is said at once, without a commit: it can be said again. */
  readonly report?: string
  /** The office is to be given up: the next one begins with what was packed last. */
  readonly resigns?: true
  /** The highest epoch that a peer has been told of, if it is above this owner's: nobody listens to him. */
  readonly higherEpoch?: Epoch
}

/** Bundles that a device says are mapped, by engine. */
export interface HeldBundles {
  readonly engine: string
  readonly incarnation: number
  readonly bundles: number
}

/** From what a new owner starts. */
export interface Takeover {
  /** Above every epoch that anyone has acted under. */
  readonly epoch: Epoch
  /** As packed by the last owner, if the store has it still; it may be older than what the last owner did. */
  readonly state: string | null
  /** The truth about mapped bundles; `silent` when the device did not answer, `none` when the actor has no device. */
  readonly device: readonly HeldBundles[] | 'silent' | 'none'
}
