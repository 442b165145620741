import type { Scenario, SearchSpec } from '@kvasir/contracts'
import { rungShares, rungSizes } from './successive-halving.js'

export type BestSearch = Extract<SearchSpec, { readonly kind: 'best' }>

/** Seeds and share of the duration that a candidate has in a rung. */
export function rungBudget(
  { keep, budget }: BestSearch,
  {
    candidates,
    rung,
    seeds,
  }: { readonly candidates: number; readonly rung: number; readonly seeds: readonly number[] },
): { readonly seeds: readonly number[]; readonly share: number } {
  const share = rungShares({ candidates, keep })[rung]
  return {
    seeds: budget.includes('seeds') ? seeds.slice(0, Math.max(1, Math.ceil(seeds.length * share))) : seeds,
    share: budget.includes('duration') ? share : 1,
  }
}

/** Runs of a whole halving. With the same duration in all rungs, what a candidate has run in one counts in the next. */
export function halvingRuns(
  search: BestSearch,
  { count, seeds }: { readonly count: number; readonly seeds: number },
): number {
  const all = Array.from({ length: seeds }, (_, i) => i)
  const sizes = rungSizes({ candidates: count, keep: search.keep })
  const runs = sizes.map(
    (_, rung) => rungBudget(search, { candidates: count, rung, seeds: all }).seeds.length,
  )
  const isShared = !hasDurations(search)
  return sizes.reduce(
    (sum, size, rung) => sum + size * (runs[rung] - (isShared ? (runs[rung - 1] ?? 0) : 0)),
    0,
  )
}

/** Whether rungs differ in their durations, so that none of their runs is another rung's too. */
export function hasDurations(search: SearchSpec): boolean {
  return search.kind === 'best' && search.budget.includes('duration')
}

/** The scenario with a share of its duration, in whole milliseconds. */
export function shortened(scenario: Scenario, share: number): Scenario {
  if (share === 1) return scenario
  const scaled = (seconds: number) => Math.max(0.001, Math.round(seconds * share * 1000) / 1000)
  const { durationS, stopAtS } = scenario
  return {
    ...scenario,
    ...(durationS === undefined ? {} : { durationS: scaled(durationS) }),
    ...(stopAtS === undefined ? {} : { stopAtS: scaled(stopAtS) }),
  }
}
