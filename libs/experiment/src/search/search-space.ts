import {
  type ExperimentSpec,
  levelName,
  metricName,
  type Parsed,
  type Scenario,
  type SearchSpec,
} from '@kvasir/contracts'
import { invariant } from '@kvasir/kernel'
import {
  type ExperimentPlan,
  type ExperimentSource,
  planExperiment,
  runsOfSeed,
} from '../plan/plan-experiment.js'
import { type Metric, metricsOf } from '../metrics.js'
import type { PlannedRun } from '../run.js'
import { VALUES_MIN } from '../statistics/bootstrap.js'
import { type AxisSetting, settingAt, settingsCount, tellingSettings } from './axis-settings.js'
import { probesMax } from './bisection.js'
import { type Candidate, drawCandidates } from './draw-candidates.js'
import { halvingRuns, hasDurations, shortened } from './search-budget.js'

export interface SearchSource extends ExperimentSource {
  /** Why a scenario that is well formed cannot run all the same, such as models that do not fit; empty when it can. */
  readonly refusals?: (scenario: Scenario) => readonly string[]
}

/** A place where a search may look: a combination of the factors, and a setting of every axis. */
export interface Spot {
  /** Of the combination, among the plan's cells. */
  readonly cell: number
  /** From the smallest setting up, or of the candidate. */
  readonly position: number
  /** Of the whole duration that its runs have: 1 but in early rungs. */
  readonly share: number
  /** Factors, then axes. */
  readonly levels: readonly string[]
  readonly content:
    | { readonly kind: 'runnable'; readonly scenario: Scenario }
    /** It counts as one that does not meet. */
    | { readonly kind: 'refused'; readonly reasons: readonly string[] }
}

/** What a search may look at. Each combination of the factors is a search of its own. */
export class SearchSpace {
  readonly spec: ExperimentSpec
  readonly search: SearchSpec
  /** The factors alone: the axes are as the base has them. */
  readonly plan: ExperimentPlan
  /** Of the axes, in the order of the levels after the factors'; the last one is the duration where rungs differ in it. */
  readonly axes: readonly string[]
  /** Settings, or candidates that were drawn. */
  readonly count: number
  readonly #source: SearchSource
  readonly #candidates: readonly Candidate[]
  readonly #spots = new Map<string, Spot>()
  readonly #runs = new Map<string, readonly PlannedRun[]>()

  /** @param plan of `source`, whose experiment has a search. */
  constructor(source: SearchSource, plan: ExperimentPlan) {
    const { search } = source.spec
    invariant(search !== undefined, () => `${source.spec.name} has a search`)
    this.#source = source
    this.spec = source.spec
    this.search = search
    this.plan = plan
    this.axes = [...axesOf(search).map(({ name }) => name), ...(hasDurations(search) ? ['duration'] : [])]
    this.#candidates =
      search.kind === 'best'
        ? drawCandidates(search.axes, { count: search.candidates, seed: search.seed })
        : []
    this.count = search.kind === 'best' ? this.#candidates.length : settingsCount(search.axis)
  }

  /** The same spot for the same place; what it is made of is found once. */
  spot(cell: number, position: number, share = 1): Spot {
    const key = `${cell} ${position} ${share}`
    const known = this.#spots.get(key)
    if (known !== undefined) return known
    const settings = this.#settingsAt(position)
    const own = [...this.plan.cells[cell].levels, ...settings.map(({ level }) => level)]
    const levels = hasDurations(this.search) ? [...own, `${Number((share * 100).toPrecision(3))} %`] : own
    const spot = { cell, position, share, levels, content: this.#content(cell, settings, share) }
    this.#spots.set(key, spot)
    return spot
  }

  /** Runs of a spot with some seeds; none where it cannot run. @param index of the spot in tables. */
  runsOf(spot: Spot, seeds: readonly number[], index: number): readonly PlannedRun[] {
    return seeds.flatMap((seed) => this.#runsOfSeed(spot, seed)).map((run) => ({ ...run, cell: index }))
  }

  /** Runs that all searches take at most, where everything is in order. */
  get runsMax(): number {
    const { search, count, spec } = this
    const { seeds, cells } = this.plan
    return (
      cells.length *
      spec.repetitions *
      (search.kind === 'best'
        ? halvingRuns(search, { count, seeds: seeds.length })
        : probesMax({ count, checks: search.checks }) * seeds.length)
    )
  }

  /** Why an axis cannot be as it says, or nothing at all can run. */
  problems(): readonly string[] {
    const axes = axesOf(this.search)
    const written = axes.flatMap((axis, i) =>
      tellingSettings(axis).flatMap((setting) => this.#settingProblems(i, setting)),
    )
    return written.length > 0
      ? written
      : [...this.#seedProblems(), ...this.#scenarioProblems(), ...this.#easiestProblems()]
  }

  /** A run's id is a hash of its scenario: made once. Curves would be of many spots that nobody looks at. */
  #runsOfSeed({ levels, content, ...place }: Spot, seed: number): readonly PlannedRun[] {
    if (content.kind === 'refused') return []
    const key = `${place.cell} ${place.position} ${place.share} ${seed}`
    const known = this.#runs.get(key)
    if (known !== undefined) return known
    const plan = { ...this.plan, cells: [{ levels, scenario: content.scenario }] }
    const runs = runsOfSeed(plan, seed).map((run) => ({ ...run, keep: { ...run.keep, drawing: false } }))
    this.#runs.set(key, runs)
    return runs
  }

  #settingsAt(position: number): Candidate {
    const { search } = this
    return search.kind === 'best' ? this.#candidates[position] : [settingAt(search.axis, position)]
  }

  #content(cell: number, settings: Candidate, share: number): Spot['content'] {
    const scenario = this.#scenario(cell, settings)
    if (scenario.kind === 'refused') return { kind: 'refused', reasons: scenario.problems }
    const reasons = this.#source.refusals?.(scenario.value) ?? []
    if (reasons.length > 0) return { kind: 'refused', reasons }
    return { kind: 'runnable', scenario: shortened(scenario.value, share) }
  }

  /** The axes are one more factor each, with a single level, after the others. */
  #scenario(cell: number, settings: Candidate): Parsed<Scenario> {
    const { spec, base } = this.#source
    const { levels } = this.plan.cells[cell]
    const chosen = spec.factors.map((factor, i) => ({
      ...factor,
      values: factor.values.filter((value) => levelName(value) === levels[i]),
    }))
    const set = settings.map((setting, i) => ({
      name: this.axes[i],
      values: [{ name: setting.level, set: setting.set }],
    }))
    const planned = planExperiment({ spec: { ...spec, factors: [...chosen, ...set] }, base })
    return planned.kind === 'refused' ? planned : { kind: 'parsed', value: planned.value.cells[0].scenario }
  }

  #settingProblems(axis: number, setting: AxisSetting): readonly string[] {
    const { spec, base } = this.#source
    const where = this.search.kind === 'best' ? `search.axes[${axis}]` : 'search.axis'
    const factor = { name: this.axes[axis], values: [{ name: setting.level, set: setting.set }] }
    const planned = planExperiment({ spec: { ...spec, factors: [factor] }, base })
    if (planned.kind === 'parsed') return []
    return planned.problems.map(
      (problem) => `${where}: ${problem.replace(/^factors\[0\]\.values\[0\]/, setting.level)}`,
    )
  }

  #seedProblems(): readonly string[] {
    const count = this.plan.seeds.length
    if (this.search.by !== 'interval' || count >= VALUES_MIN) return []
    return [
      `search.by is interval, which takes ${VALUES_MIN} seeds, and there are ${count}; it must be every-seed or mean`,
    ]
  }

  #scenarioProblems(): readonly string[] {
    const [{ scenario }] = this.plan.cells
    const hasSlo = [scenario.slo, ...scenario.models.map(({ slo }) => slo ?? {})].some(
      (slo) => Object.keys(slo).length > 0,
    )
    const asks = this.search.goals.find(({ path }) => path.endsWith('sloAttainment'))
    const isEndless = scenario.durationS === undefined && scenario.stopAtS === undefined
    return [
      ...(asks === undefined || hasSlo
        ? []
        : [`search.goals has ${asks.path}, and no model has an SLO; slo must say what it is`]),
      ...(hasDurations(this.search) && isEndless
        ? ['search.budget has duration, and the scenario has none; durationS must say what it is']
        : []),
    ]
  }

  /** When not even the setting that should be easiest can run, nothing can. */
  #easiestProblems(): readonly string[] {
    const { search, count } = this
    const positions =
      search.kind === 'best'
        ? Array.from({ length: count }, (_, i) => i)
        : [search.kind === 'smallest' ? count - 1 : 0]
    return this.plan.cells.flatMap((_, cell) => {
      const contents = positions.map((position) => this.spot(cell, position).content)
      const refused = contents.flatMap((content) => (content.kind === 'refused' ? [content.reasons] : []))
      if (refused.length < positions.length) return []
      const { levels } = this.spot(cell, positions[0])
      return refused[0].map((reason) => `search: ${levels.join(' ')} cannot run: ${reason}`)
    })
  }
}

/** From a specification with a search to what it may look at; never throws. */
export function planSearch(source: SearchSource): Parsed<SearchSpace> {
  const planned = planExperiment(source)
  if (planned.kind === 'refused') return planned
  const space = new SearchSpace(source, planned.value)
  const problems = space.problems()
  return problems.length === 0 ? { kind: 'parsed', value: space } : { kind: 'refused', problems }
}

/** The metric that decides among candidates, or the main one. */
export function searchMetric({ spec, search }: SearchSpace): Metric {
  const wanted = search.kind === 'best' ? search.metric : undefined
  const place = spec.metrics.findIndex((metric) => metricName(metric) === wanted)
  return metricsOf(spec.metrics)[Math.max(0, place)]
}

/** Both ends of what a search of the first combination may look at, with one seed: what they take tells what it takes. */
export function endsOf(space: SearchSpace): Pick<ExperimentPlan, 'cells' | 'runs'> {
  const positions = [...new Set([0, space.count - 1])]
  const spots = positions
    .map((position) => space.spot(0, position))
    .filter(({ content }) => content.kind === 'runnable')
  return {
    cells: spots.map(({ levels }) => ({ levels, scenario: space.plan.cells[0].scenario })),
    runs: spots.flatMap((spot, i) => space.runsOf(spot, space.plan.seeds.slice(0, 1), i)),
  }
}

function axesOf(search: SearchSpec) {
  return search.kind === 'best' ? search.axes : [search.axis]
}
