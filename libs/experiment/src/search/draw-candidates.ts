import type { DomainAxisSpec } from '@kvasir/contracts'
import { SeededRng } from '@kvasir/kernel'
import { type AxisSetting, drawSetting } from './axis-settings.js'

/** Draws for each candidate that is wanted: more, and the domain has hardly more than were found. */
const DRAWS_EACH = 20

/** One setting of each axis, in their order. */
export type Candidate = readonly AxisSetting[]

/** So many different candidates, or fewer where there are no more. The same seed draws the same ones. */
export function drawCandidates(
  axes: readonly DomainAxisSpec[],
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly Candidate[] {
  const rngs = axes.map(({ name }) => new SeededRng(seed, `candidates ${name}`))
  const drawn = new Map<string, Candidate>()
  for (let draws = 0; drawn.size < count && draws < count * DRAWS_EACH; draws++) {
    const candidate = axes.map((axis, i) => drawSetting(axis, rngs[i]))
    const key = JSON.stringify(candidate.map(({ level }) => level))
    if (!drawn.has(key)) drawn.set(key, candidate)
  }
  return [...drawn.values()]
}
