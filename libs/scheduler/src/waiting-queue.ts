/** Sequences waiting for admission, by slot, in the order of a policy. Each slot is in it at most once. */
export interface WaitingQueue {
  readonly size: number
  /** The next slot to admit, or -1. */
  head(): number
  /** A new sequence. */
  push(slot: number): void
  /** A preempted sequence comes back; it keeps its arrival. */
  pushBack(slot: number): void
  /** Admitted or aborted. */
  remove(slot: number): void
  /** A sequence was admitted and has so many tokens to compute (orders that account for service). */
  admitted?(slot: number, tokens: number): void
  /** Sequences got a token each. */
  emitted?(slots: Int32Array, count: number): void
  /** A sequence is over; it may still be told of among `emitted`, for its last token. */
  ended?(slot: number): void
  /** Whether the order places one sequence before another, as they are now. */
  before(a: number, b: number): boolean
  /** Slots in the order in which they would be admitted. Cold: allocates. */
  toArray(): number[]
  /** Visits waiting slots, in no promised order, until the visitor answers false. */
  some(visit: (slot: number) => boolean): boolean
}
