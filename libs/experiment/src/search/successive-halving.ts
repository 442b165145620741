import { invariant } from '@kvasir/kernel'

/** What a candidate came to in a rung. */
export interface Score {
  /** Whether it meets all goals; those that do come before those that do not. */
  readonly meets: boolean
  /** More is better. */
  readonly value: number
}

export interface HalvingShape {
  readonly candidates: number
  /** Of so many the best goes on. At least 2. */
  readonly keep: number
}

export type HalvingState =
  /** The scores of these in this rung are wanted, as far as they are not there. */
  | { readonly kind: 'open'; readonly rung: number; readonly among: readonly number[] }
  /** Those of the last rung, the best one first. */
  | { readonly kind: 'over'; readonly ranking: readonly number[] }

/**
 * Successive halving (Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016):
 * all candidates get a small budget, the best of them `keep` times as much, until one is left. It goes by scores alone.
 */
export function halvingState(
  { candidates, keep }: HalvingShape,
  scoreOf: (rung: number, candidate: number) => Score | undefined,
): HalvingState {
  const sizes = rungSizes({ candidates, keep })
  let among: readonly number[] = Array.from({ length: candidates }, (_, i) => i)
  for (const [rung, size] of sizes.entries()) {
    invariant(among.length === size, () => `rung ${rung} has ${among.length} candidates, of ${size}`)
    const scores = new Map<number, Score>()
    for (const candidate of among) {
      const score = scoreOf(rung, candidate)
      if (score !== undefined) scores.set(candidate, score)
    }
    if (scores.size < size) return { kind: 'open', rung, among }
    const ranking = ranked(among, scores)
    if (rung === sizes.length - 1) return { kind: 'over', ranking }
    among = ranking.slice(0, sizes[rung + 1]).sort((a, b) => a - b)
  }
  return { kind: 'over', ranking: among }
}

/** Candidates of each rung: `[16, 8, 4, 2]` for 16 of which half goes on. */
export function rungSizes({ candidates, keep }: HalvingShape): readonly number[] {
  const sizes = [candidates]
  for (let size = Math.ceil(candidates / keep); size > 1; size = Math.ceil(size / keep)) sizes.push(size)
  return sizes
}

/** Share of the whole budget that a candidate has in each rung; 1 in the last one. */
export function rungShares(shape: HalvingShape): readonly number[] {
  const { length } = rungSizes(shape)
  return Array.from({ length }, (_, rung) => shape.keep ** (rung + 1 - length))
}

/** The best first; of equal ones the one that was drawn first. */
function ranked(among: readonly number[], scores: ReadonlyMap<number, Score>): readonly number[] {
  const scoreOf = (candidate: number): Score => scores.get(candidate) ?? { meets: false, value: -Infinity }
  return [...among].sort((a, b) => {
    const one = scoreOf(a)
    const other = scoreOf(b)
    if (one.meets !== other.meets) return one.meets ? -1 : 1
    return one.value === other.value ? a - b : other.value - one.value
  })
}
