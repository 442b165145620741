/** What engines that share a TP group share: its time, one step running at a time, or its multiprocessors, on which steps run side by side. */
export type Sharing = 'time' | 'spatial'

/** A group in whole parts, so that what was given is what comes back. */
export const WHOLE = 1_000

/** An engine with a step to run, or one that runs. */
export interface Sharer {
  readonly weight: number
  readonly claim: number
}

/**
 * Parts of the group for the next step of `engine`, one of those `present`: by weight among those who have budget left, and for who has
 * none among all. What a step has it keeps to its end, so the others get theirs as steps end.
 */
export function partFor(engine: Sharer, present: readonly Sharer[]): number {
  const rivals = present.filter(({ claim }) => claim > 0 || engine.claim <= 0)
  const sum = rivals.reduce((total, { weight }) => total + weight, 0)
  return Math.max(1, Math.floor((WHOLE * engine.weight) / sum))
}

/**
 * What `wanted` parts come to while `free` ones are: less, but not less than half of them, for a step that crawls holds up its
 * engine longer than a wait would. 0: wait.
 */
export function fitPart(wanted: number, free: number): number {
  return 2 * free >= wanted ? Math.min(wanted, free) : 0
}
