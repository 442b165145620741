import type { Micros } from '@kvasir/kernel'

/** How engines that share a TP group take turns on it. */
export type Arbitration =
  /** Who has budget left before who has none; among them whose step cannot wait, then who has used least of its budget. */
  | 'claims'
  /** Strictly in turn: no budgets are known. */
  | 'round-robin'
  /** Each engine has a fixed fraction of the group to itself; nobody waits for anybody. */
  | 'partitioned'

export interface Waiting {
  readonly engine: string
  readonly claim: number
  /** Number of the arbiter's decision at which this engine last ran; lower waited longer. */
  readonly lastServed: number
  /** Last moment at which its step may begin without a latency being missed. */
  readonly dueUs: Micros
  /** Time of its last step. */
  readonly stepUs: Micros
}

/** A step that has waited so long is urgent whatever it said: else those that promise more could pass it for ever. */
export const PATIENCE_US: Micros = 1_000_000

/**
 * Index of the step to run next among `waiting` (not empty). A claim is what is left of a budget as a share of it. Among steps with a
 * claim, one that would be late if another went first goes first, the most urgent of several; while none would, the claims alone decide.
 * Steps without a claim left are a courtesy: the same urgency, then longest unserved first.
 */
export function chooseNext(waiting: readonly Waiting[], arbitration: Arbitration, now: Micros): number {
  const urgentUs = arbitration === 'claims' ? now + longestStepUs(waiting) : -Infinity
  let best = 0
  for (let i = 1; i < waiting.length; i++)
    if (before(waiting[i], waiting[best], arbitration, urgentUs)) best = i
  return best
}

/** @param urgentUs a step that is due by then cannot let another go first. */
function before(a: Waiting, b: Waiting, arbitration: Arbitration, urgentUs: Micros): boolean {
  if (arbitration === 'claims') {
    if (a.claim > 0 !== b.claim > 0) return a.claim > 0
    const aDue = a.dueUs <= urgentUs ? a.dueUs : Infinity
    const bDue = b.dueUs <= urgentUs ? b.dueUs : Infinity
    if (aDue !== bDue) return aDue < bDue
    if (a.claim > 0 && a.claim !== b.claim) return a.claim > b.claim
  }
  if (a.lastServed !== b.lastServed) return a.lastServed < b.lastServed
  return a.engine < b.engine
}

function longestStepUs(waiting: readonly Waiting[]): Micros {
  let longest = 0
  for (const { stepUs } of waiting) if (stepUs > longest) longest = stepUs
  return longest
}
