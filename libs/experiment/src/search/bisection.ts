/** What is known of positions 0, 1, 2 …: whether each meets. */
export type Evidence = ReadonlyMap<number, boolean>

export interface BisectionShape {
  /** Positions there are. */
  readonly count: number
  /** Positions on either side of the threshold that are asked for as well, to see that what lies there is in order. */
  readonly checks: number
}

/** Two positions that are not in order: the lower one meets, the higher one does not. */
export interface Disorder {
  readonly meets: number
  readonly fails: number
}

export interface Threshold {
  /** The lowest position above all that are known to fail; undefined when none of those meets. */
  readonly at: number | undefined
  readonly disorder: readonly Disorder[]
}

/**
 * The position to ask for next, undefined when the threshold is found: half of what is open between the highest that fails and the
 * lowest above it that meets; then its neighbours. It goes by evidence alone, whoever gathered it.
 *
 * ```
 *   fails   fails   ?   ?   ?   meets   meets
 *             └─── lo   ▲        └─── hi
 * ```
 *
 * Where what is asked for is not in order after all, the threshold moves above what fails: too much is promised sooner than too little.
 */
export function nextProbe(evidence: Evidence, { count, checks }: BisectionShape): number | undefined {
  const { low, high } = bracket(evidence, count)
  if (high - low > 1) return (low + high) >> 1
  for (let i = 1; i <= checks; i++) {
    for (const neighbour of [high + i, low - i])
      if (neighbour >= 0 && neighbour < count && !evidence.has(neighbour)) return neighbour
  }
  return undefined
}

/** What the evidence comes to, once there is nothing to ask for. */
export function thresholdOf(evidence: Evidence, count: number): Threshold {
  const { high } = bracket(evidence, count)
  return { at: high < count ? high : undefined, disorder: disorderIn(evidence) }
}

/** Probes at most where evidence is in order. */
export function probesMax({ count, checks }: BisectionShape): number {
  return Math.min(count, Math.ceil(Math.log2(count + 1)) + 2 * checks)
}

/** The highest position that fails, -1 without; the lowest above it that meets, `count` without. */
function bracket(evidence: Evidence, count: number): { readonly low: number; readonly high: number } {
  let low = -1
  for (const [position, meets] of evidence) if (!meets) low = Math.max(low, position)
  let high = count
  for (const [position, meets] of evidence) if (meets && position > low) high = Math.min(high, position)
  return { low, high }
}

/** Every one that meets below one that fails, with the nearest such one. */
function disorderIn(evidence: Evidence): readonly Disorder[] {
  const positions = [...evidence.keys()].sort((a, b) => a - b)
  return positions.flatMap((meets) => {
    if (evidence.get(meets) !== true) return []
    const fails = positions.find((position) => position > meets && evidence.get(position) === false)
    return fails === undefined ? [] : [{ meets, fails }]
  })
}
