/** How engines that share a TP group take turns on it. */
export type Arbitration =
  /** The step of the engine that has used least of its budget first; who has none left only when nobody else waits. */
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
}

/**
 * Index of the step to run next among `waiting` (not empty). A claim is what is left of a budget as a share of it, so the
 * budgets alone decide the order while they last. Steps without a claim left are a courtesy: longest unserved first.
 */
export function chooseNext(waiting: readonly Waiting[], arbitration: Arbitration): number {
  let best = 0
  for (let i = 1; i < waiting.length; i++) if (before(waiting[i], waiting[best], arbitration)) best = i
  return best
}

function before(a: Waiting, b: Waiting, arbitration: Arbitration): boolean {
  if (arbitration === 'claims') {
    const aClaim = Math.max(0, a.claim)
    const bClaim = Math.max(0, b.claim)
    if (aClaim !== bClaim) return aClaim > bClaim
  }
  if (a.lastServed !== b.lastServed) return a.lastServed < b.lastServed
  return a.engine < b.engine
}
