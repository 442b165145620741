import type { SearchSpec, Summary } from '@kvasir/contracts'
import { meanOf } from '../analysis/observations.js'
import type { Metric } from '../metrics.js'
import { type GoalResult, goalText } from './goals.js'
import { type CostedValue, paretoFront } from './pareto-front.js'
import { searchMetric, type SearchSpace, type Spot } from './search-space.js'
import {
  type KnownRuns,
  meetsAll,
  type SearchOutcome,
  type SearchState,
  type SeenSpot,
} from './search-state.js'

/** What a search has found, as plain data for reports and programs. */
export interface SearchReport {
  readonly kind: SearchSpec['kind']
  readonly by: SearchSpec['by']
  readonly axes: readonly string[]
  /** `models[*].sloAttainment ≥ 0.99` */
  readonly goals: readonly string[]
  /** Name and unit of the metric that settings have. */
  readonly metric: Pick<Metric, 'name' | 'unit'>
  /** One a combination of the factors. */
  readonly findings: readonly SearchFinding[]
  /** All that was looked at and could run. */
  readonly points: readonly SearchPoint[]
  readonly cost: 'GPUs' | 'GPU-seconds'
  /** Of the points: a path, the name of a metric or of the axis. */
  readonly value: string
  readonly better: 'higher' | 'lower'
}

export interface SearchFinding {
  /** Of the factors. */
  readonly levels: readonly string[]
  readonly kind: SearchOutcome['kind']
  /** Null where nothing was found. */
  readonly found: SearchSetting | null
  /** Its neighbour, which does not meet the goals; of candidates the second best; where nothing was found what should have been nearest. */
  readonly next: SearchSetting | null
  /** Settings that were looked at. */
  readonly looked: number
  /** Whether the range ends there, so that what lies beyond may do as well. */
  readonly isAtEnd: boolean
  /** `3 meets, 4 does not`, in words of the axis. */
  readonly disorder: readonly { readonly meets: string; readonly fails: string }[]
  /** Of a run that keeps the search from going on. */
  readonly failure: string | null
}

export interface SearchSetting {
  /** Of the axes. */
  readonly levels: readonly string[]
  readonly meets: boolean
  readonly goals: readonly GoalResult[]
  /** Mean over the seeds; null when it could not run. */
  readonly gpus: number | null
  /** Of the metric that decides among candidates, else of the main one; mean over the seeds. */
  readonly metric: number | null
  readonly seeds: number
  /** Why it could not run. */
  readonly refusals: readonly string[]
}

export interface SearchPoint extends CostedValue {
  /** Of the factors, then of the axes. */
  readonly levels: readonly string[]
  readonly meets: boolean
  /** Whether none costs less and gives as much, or costs as much and gives more. */
  readonly isOnFront: boolean
}

/** GPUs of the groups that serve a model. */
export function gpusOf({ pools }: Pick<Summary, 'pools'>): number {
  return Object.values(pools).reduce((sum, { tp }) => sum + tp, 0)
}

export function searchReport(space: SearchSpace, state: SearchState, known: KnownRuns): SearchReport {
  const { search, axes } = space
  const { name, unit } = searchMetric(space)
  const report = {
    kind: search.kind,
    by: search.by,
    axes,
    goals: search.goals.map(goalText),
    metric: { name, unit },
    findings: state.outcomes.map((outcome, cell) => findingOf(space, state, known, { outcome, cell })),
  }
  return { ...report, ...frontOf(space, state, known) }
}

// ── what was found ────────────────────────────────────────────────────────────────────────────────

interface CellOutcome {
  readonly outcome: SearchOutcome
  readonly cell: number
}

function findingOf(
  space: SearchSpace,
  state: SearchState,
  known: KnownRuns,
  { outcome, cell }: CellOutcome,
): SearchFinding {
  const setting = (place: number | undefined) =>
    place === undefined ? null : settingOf(space, state.spots[place], known)
  const own = state.spots.filter(({ spot }) => spot.cell === cell)
  const levelsAt = (position: number) => space.spot(cell, position).levels.slice(factorCount(space)).join(' ')
  const found = outcome.kind === 'found' ? outcome : undefined
  const disorder = outcome.kind === 'open' ? [] : outcome.disorder
  return {
    levels: space.plan.cells[cell].levels,
    kind: outcome.kind,
    found: setting(found?.place),
    next: setting(outcome.kind === 'open' ? undefined : outcome.next),
    looked: own.length,
    isAtEnd: space.search.kind !== 'best' && found !== undefined && found.next === undefined,
    disorder: disorder.map(({ meets, fails }) => ({ meets: levelsAt(meets), fails: levelsAt(fails) })),
    failure: outcome.kind === 'open' ? (outcome.failure ?? null) : null,
  }
}

function settingOf(
  space: SearchSpace,
  { spot, seeds, goals = [] }: SeenSpot,
  known: KnownRuns,
): SearchSetting {
  const summaries = summariesOf(space, { spot, seeds }, known)
  const values = summaries.map((summary) => searchMetric(space).of(summary)).filter((value) => value !== null)
  return {
    levels: spot.levels.slice(factorCount(space)),
    meets: meetsAll(goals),
    goals: spot.content.kind === 'refused' ? [] : goals,
    gpus: summaries.length === 0 ? null : meanOf(summaries.map(gpusOf)),
    metric: values.length === 0 ? null : meanOf(values),
    seeds: seeds.length,
    refusals: spot.content.kind === 'refused' ? spot.content.reasons : [],
  }
}

function summariesOf(
  space: SearchSpace,
  { spot, seeds }: Pick<SeenSpot, 'spot' | 'seeds'>,
  { summaries }: KnownRuns,
): readonly Summary[] {
  return space.runsOf(spot, seeds, 0).flatMap(({ id }) => {
    const summary = summaries.get(id)
    return summary === undefined ? [] : [summary]
  })
}

function factorCount({ plan }: SearchSpace): number {
  return plan.factors.length
}

// ── cost against what it gives ────────────────────────────────────────────────────────────────────

/** Of a search for the largest setting that one is what it gives, as far as the goals are met; else it is the first goal, or the metric. */
function frontOf(
  space: SearchSpace,
  { spots }: SearchState,
  known: KnownRuns,
): Pick<SearchReport, 'points' | 'cost' | 'value' | 'better'> {
  const { search } = space
  const isTimed = search.cost === 'gpu-seconds'
  const gives = givenBy(space, known)
  const points = spots.flatMap((seen) => {
    const { spot, goals } = seen
    const summaries = summariesOf(space, seen, known)
    const value = goals === undefined || summaries.length === 0 ? null : gives.of(seen)
    if (goals === undefined || value === null || spot.share < 1) return []
    const cost = meanOf(
      summaries.map((summary) => gpusOf(summary) * (isTimed ? summary.simulatedUs / 1e6 : 1)),
    )
    return [{ levels: spot.levels, cost, value, meets: meetsAll(goals) }]
  })
  const sign = gives.better === 'higher' ? 1 : -1
  const front = new Set(paretoFront(points.map(({ cost, value }) => ({ cost, value: sign * value }))))
  return {
    points: points.map((point, place) => ({ ...point, isOnFront: front.has(place) })),
    cost: isTimed ? 'GPU-seconds' : 'GPUs',
    value: gives.name,
    better: gives.better,
  }
}

interface Given {
  readonly name: string
  readonly better: 'higher' | 'lower'
  readonly of: (seen: SeenSpot) => number | null
}

function givenBy(space: SearchSpace, known: KnownRuns): Given {
  const { search, axes } = space
  const [goal] = search.goals
  if (search.kind === 'largest')
    return {
      name: axes[0],
      better: 'higher',
      of: ({ spot, goals = [] }) => (meetsAll(goals) ? axisNumber(space, spot) : null),
    }
  if (goal !== undefined)
    return {
      name: goal.path,
      better: goal.atLeast === undefined ? 'lower' : 'higher',
      of: ({ goals = [] }) => goals[0]?.mean ?? null,
    }
  const { name, better } = searchMetric(space)
  return { name, better, of: (seen) => settingOf(space, seen, known).metric }
}

/** Of settings that are no numbers, their place in the list. */
function axisNumber(space: SearchSpace, { levels, position }: Spot): number {
  const value = Number(levels[factorCount(space)])
  return Number.isFinite(value) ? value : position
}
