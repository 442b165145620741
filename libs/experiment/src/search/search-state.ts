import type { Summary } from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import { meanOf } from '../analysis/observations.js'
import { type Cell, type ExperimentPlan, seedOrder } from '../plan/plan-experiment.js'
import type { PlannedRun } from '../run.js'
import { type Disorder, nextProbe, thresholdOf } from './bisection.js'
import { type GoalResult, judgeGoal } from './goals.js'
import { rungBudget } from './search-budget.js'
import { searchMetric, type SearchSpace, type Spot } from './search-space.js'
import { halvingState, type Score } from './successive-halving.js'

/** What is known of runs, by their ids. */
export interface KnownRuns {
  readonly summaries: ReadonlyMap<string, Summary>
  readonly failures: ReadonlyMap<string, string>
}

/** A spot that was looked at. */
export interface SeenSpot {
  readonly spot: Spot
  /** With which it has run, or is to run. */
  readonly seeds: readonly number[]
  /** By the order of the search's goals; undefined before all its runs have ended. Empty lists of goals are met. */
  readonly goals: readonly GoalResult[] | undefined
}

export type SearchOutcome =
  /** Places are among the state's spots. */
  | {
      readonly kind: 'found'
      readonly place: number
      readonly next: number | undefined
      readonly disorder: readonly Disorder[]
    }
  /** Nothing meets the goals; `next` should have been the nearest to it. */
  | { readonly kind: 'none'; readonly next: number | undefined; readonly disorder: readonly Disorder[] }
  /** Runs are missing, or failed. */
  | { readonly kind: 'open'; readonly failure: string | undefined }

export interface SearchState {
  /** In the order of tables: by combination, then from the smallest setting up. */
  readonly spots: readonly SeenSpot[]
  /** One a combination of the factors. */
  readonly outcomes: readonly SearchOutcome[]
  /** Of all spots, their `cell` being the spot's place: done, under way and wanted. */
  readonly runs: readonly PlannedRun[]
  /** The spots as the combinations of an experiment, whose axes are factors after its own. */
  readonly plan: ExperimentPlan
}

/**
 * How far a search is, by what is known of its runs alone: whoever ran them, in whatever order, before or after a kill. It asks for
 * all runs that can be told to be needed.
 */
export function searchState(space: SearchSpace, known: KnownRuns): SearchState {
  const searches = space.plan.cells.map((_, cell) => new CellSearch(space, known, cell))
  const decisions = searches.map((search) => search.decide())
  const offsets = searches.map((_, i) =>
    searches.slice(0, i).reduce((sum, search) => sum + search.seen.length, 0),
  )
  const spots = searches.flatMap((search) => search.seen)
  const runs = seedOrder(spots.flatMap(({ spot, seeds }, place) => space.runsOf(spot, seeds, place)))
  return {
    spots,
    runs,
    outcomes: decisions.map((decision, i) => placed(decision, searches[i], offsets[i])),
    plan: planOf(space, spots, runs),
  }
}

/** An outcome by its spots, whose places are known when all searches are. */
type Decision =
  | {
      readonly kind: 'found'
      readonly spot: Spot
      readonly next: Spot | undefined
      readonly disorder: readonly Disorder[]
    }
  | { readonly kind: 'none'; readonly next: Spot | undefined; readonly disorder: readonly Disorder[] }
  | Extract<SearchOutcome, { readonly kind: 'open' }>

/** The search of one combination, told again from its beginning. */
class CellSearch {
  readonly #space: SearchSpace
  readonly #known: KnownRuns
  readonly #cell: number
  readonly #seen = new Map<Spot, SeenSpot>()
  #failure: string | undefined

  constructor(space: SearchSpace, known: KnownRuns, cell: number) {
    this.#space = space
    this.#known = known
    this.#cell = cell
  }

  decide(): Decision {
    return this.#space.search.kind === 'best' ? this.#halve() : this.#bisect()
  }

  /** From the smallest setting up, and the longest last. */
  get seen(): readonly SeenSpot[] {
    return [...this.#seen.values()].sort(
      (a, b) => a.spot.position - b.spot.position || a.spot.share - b.spot.share,
    )
  }

  #bisect(): Decision {
    const { search, count, plan } = this.#space
    invariant(search.kind !== 'best', () => `a search for the ${search.kind} bisects`)
    const shape = { count, checks: search.checks }
    // The easiest setting is the last one: of rates the smallest.
    const flip = (position: number) => (search.kind === 'largest' ? count - 1 - position : position)
    const evidence = new Map<number, boolean>()
    for (let probe = nextProbe(evidence, shape); probe !== undefined; probe = nextProbe(evidence, shape)) {
      const goals = this.#look(this.#space.spot(this.#cell, flip(probe)), plan.seeds)
      if (goals === undefined) return { kind: 'open', failure: this.#failure }
      evidence.set(probe, meetsAll(goals))
    }
    const { at, disorder } = thresholdOf(evidence, count)
    const positions = disorder.map(({ meets, fails }) => ({ meets: flip(meets), fails: flip(fails) }))
    if (at === undefined) {
      const easiest = this.#space.spot(this.#cell, flip(count - 1))
      return { kind: 'none', next: easiest, disorder: positions }
    }
    const next = at === 0 ? undefined : this.#space.spot(this.#cell, flip(at - 1))
    return { kind: 'found', spot: this.#space.spot(this.#cell, flip(at)), next, disorder: positions }
  }

  #halve(): Decision {
    const { search, count, plan } = this.#space
    invariant(search.kind === 'best', () => `a search for the ${search.kind} halves`)
    const state = halvingState({ candidates: count, keep: search.keep }, (rung, candidate) => {
      const { seeds, share } = rungBudget(search, { candidates: count, rung, seeds: plan.seeds })
      const spot = this.#space.spot(this.#cell, candidate, share)
      const goals = this.#look(spot, seeds)
      return goals && this.#score(spot, seeds, goals)
    })
    if (state.kind === 'open') return { kind: 'open', failure: this.#failure }
    const [best, second] = state.ranking.map((candidate) => this.#space.spot(this.#cell, candidate))
    return best.content.kind === 'refused'
      ? { kind: 'none', next: undefined, disorder: [] }
      : { kind: 'found', spot: best, next: second, disorder: [] }
  }

  /** How a spot stands to the goals; undefined while runs are missing. */
  #look(spot: Spot, seeds: readonly number[]): readonly GoalResult[] | undefined {
    const { search } = this.#space
    const summaries = this.#summaries(spot, seeds)
    const goals =
      spot.content.kind === 'refused'
        ? [REFUSED]
        : summaries && search.goals.map((goal) => judgeGoal(goal, search.by, summaries))
    this.#seen.set(spot, { spot, seeds: spot.content.kind === 'refused' ? [] : seeds, goals })
    return goals
  }

  /** By seed, repetitions together; undefined while any of them is missing. */
  #summaries(spot: Spot, seeds: readonly number[]): readonly (readonly Summary[])[] | undefined {
    const runs = this.#space.runsOf(spot, seeds, 0)
    const bySeed = seeds.map((seed) => runs.filter((run) => run.seed === seed))
    let isComplete = true
    const summaries = bySeed.map((repetitions) =>
      repetitions.flatMap(({ id }) => {
        const summary = this.#known.summaries.get(id)
        if (summary !== undefined) return [summary]
        this.#failure ??= this.#known.failures.get(id)
        isComplete = false
        return []
      }),
    )
    return isComplete ? summaries : undefined
  }

  #score(spot: Spot, seeds: readonly number[], goals: readonly GoalResult[]): Score {
    const metric = searchMetric(this.#space)
    const values = (this.#summaries(spot, seeds) ?? []).flat().map((summary) => metric.of(summary))
    const known = values.filter((value) => value !== null)
    const isComplete = known.length === values.length && known.length > 0
    const value = isComplete ? meanOf(known) * (metric.better === 'higher' ? 1 : -1) : -Infinity
    return { meets: meetsAll(goals), value }
  }
}

const REFUSED: GoalResult = { meets: false, mean: null, worst: null }

/** Whether all goals are met; also when there are none. */
export function meetsAll(goals: readonly GoalResult[]): boolean {
  return goals.every(({ meets }) => meets)
}

function placed(decision: Decision, search: CellSearch, offset: number): SearchOutcome {
  if (decision.kind === 'open') return decision
  const placeOf = (wanted: Spot) => offset + search.seen.findIndex(({ spot }) => spot === wanted)
  const { disorder } = decision
  const next = decision.next && placeOf(decision.next)
  return decision.kind === 'none'
    ? { kind: 'none', next, disorder }
    : { kind: 'found', place: placeOf(decision.spot), next, disorder }
}

function planOf(
  { spec, plan, axes }: SearchSpace,
  spots: readonly SeenSpot[],
  runs: readonly PlannedRun[],
): ExperimentPlan {
  const own = plan.factors.length
  const byPosition = [...spots].sort((a, b) => a.spot.position - b.spot.position)
  const seen = axes.map((name, i) => ({
    name,
    levels: inOrder([...new Set(byPosition.map(({ spot }) => spot.levels[own + i]))]),
  }))
  return {
    spec,
    factors: [...plan.factors, ...seen],
    cells: spots.map(cellOf(plan)),
    seeds: plan.seeds,
    runs,
  }
}

/** Numbers by their size, however they were drawn. */
function inOrder(levels: readonly string[]): readonly string[] {
  const isNumeral = (level: string) => level.trim() !== '' && Number.isFinite(Number(level))
  return levels.every(isNumeral) ? [...levels].sort((a, b) => Number(a) - Number(b)) : levels
}

/** What could not run stands for itself with the scenario of its combination: it has no runs. */
function cellOf({ cells }: ExperimentPlan): (seen: SeenSpot) => Cell {
  return ({ spot: { levels, content, cell } }) => ({
    levels,
    scenario: content.kind === 'runnable' ? content.scenario : cells[cell].scenario,
  })
}
