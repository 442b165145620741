import {
  type ExperimentSpec,
  type FactorSpec,
  type FactorValue,
  levelName,
  type Parsed,
  parseScenario,
  type Scenario,
  type SeedsSpec,
  type Settings,
} from '@kvasir/contracts'
import { sha256Hex } from '@kvasir/kernel'
import type { PlannedRun } from '../run.js'
import { applySetting } from './apply-setting.js'
import { canonicalJson } from './canonical-json.js'
import { fitToFactors } from './fit-to-factors.js'

/** An experiment with its base scenario as it was read, not yet checked. */
export interface ExperimentSource {
  readonly spec: ExperimentSpec
  readonly base: unknown
}

export interface Factor {
  readonly name: string
  readonly levels: readonly string[]
}

/** One combination of levels, by the order of the factors. */
export interface Cell {
  readonly levels: readonly string[]
  /** Of the first seed; the others differ in nothing else. */
  readonly scenario: Scenario
}

export interface ExperimentPlan {
  readonly spec: ExperimentSpec
  readonly factors: readonly Factor[]
  readonly cells: readonly Cell[]
  /** Those that run whatever comes out; a stopping rule may add to them. */
  readonly seeds: readonly number[]
  /** All runs of `seeds`: all cells of the first seed, then of the next, so that what is done first is a whole. */
  readonly runs: readonly PlannedRun[]
}

/** Hexadecimal digits of a run's id: 96 bits. */
const ID_DIGITS = 24

/** From a specification to its runs; never throws. Sentences name the field, its value and what would be right. */
export function planExperiment(source: ExperimentSource): Parsed<ExperimentPlan> {
  const { spec } = source
  const based = baseDocument(source)
  if (based.kind === 'refused') return based
  const alone = levelProblems(spec, based.value)
  if (alone.length > 0) return { kind: 'refused', problems: alone }
  const built = buildCells(spec, based.value)
  if (built.kind === 'refused') return built
  const cells = built.value
  const seeds = seedList(spec.seeds)
  const repeated = seeds.find((seed, i) => seeds.indexOf(seed) !== i)
  if (repeated !== undefined)
    return { kind: 'refused', problems: [`seeds has ${repeated} twice; each seed must be there once`] }
  const factors = spec.factors.map(({ name, values }) => ({ name, levels: values.map(levelName) }))
  const plan = { spec, factors, cells, seeds, runs: [] }
  const runs = seeds.flatMap((seed) => runsOfSeed(plan, seed))
  const twins = twinProblem(plan, runs)
  if (twins !== undefined) return { kind: 'refused', problems: [twins] }
  return { kind: 'parsed', value: { ...plan, runs } }
}

/** All runs of one seed, also of one that a stopping rule has added. */
export function runsOfSeed({ spec, cells, seeds }: ExperimentPlan, seed: number): readonly PlannedRun[] {
  return Array.from({ length: spec.repetitions }, (_, i) => i + 1).flatMap((repetition) =>
    cells.map((cell, index) => {
      const scenario = { ...cell.scenario, seed }
      return {
        id: runId(scenario, repetition),
        cell: index,
        seed,
        repetition,
        scenario,
        keep: { drawing: seed === seeds[0] && repetition === 1, samples: spec.samples?.perRun ?? 0 },
      }
    }),
  )
}

/** All of the first seed, then of the next, so that what is done first is a whole; within a seed they keep their order. */
export function seedOrder(runs: readonly PlannedRun[]): readonly PlannedRun[] {
  const seeds = [...new Set(runs.map(({ seed }) => seed))]
  return seeds.flatMap((seed) => runs.filter((run) => run.seed === seed))
}

/** `policy=static load=0.5`; empty without factors. */
export function cellLabel({ factors }: Pick<ExperimentPlan, 'factors'>, levels: readonly string[]): string {
  return factors.map(({ name }, i) => `${name}=${levels[i]}`).join(' ')
}

export function seedList(seeds: SeedsSpec): readonly number[] {
  return 'count' in seeds ? Array.from({ length: seeds.count }, (_, i) => seeds.first + i) : seeds
}

/** The experiment as `--small` runs it; without a `small` section two seeds of everything. */
export function smallVersion(spec: ExperimentSpec): ExperimentSpec {
  const { small, stop: _, ...rest } = spec
  const factors = spec.factors.map(
    (factor) => small?.factors?.find(({ name }) => name === factor.name) ?? factor,
  )
  return fitToFactors({
    ...rest,
    factors: factors.map((factor, i) => ({ ...factor, path: factor.path ?? spec.factors[i].path })),
    set: { ...rest.set, ...small?.set },
    seeds: small?.seeds ?? seedList(spec.seeds).slice(0, 2),
    ...(small?.stop === undefined || small.stop === null ? {} : { stop: small.stop }),
    ...(small?.search === undefined ? {} : { search: small.search }),
  })
}

// ── from documents to cells ───────────────────────────────────────────────────────────────────────

/** The base with what all runs have other. */
function baseDocument({ spec, base }: ExperimentSource): Parsed<unknown> {
  const before = parseScenario(base)
  if (before.kind === 'refused')
    return { kind: 'refused', problems: before.problems.map((problem) => `base: ${problem}`) }
  const renamed = applyAll(base, { name: spec.name, question: null, compare: null }, '')
  if (renamed.kind === 'refused') return renamed
  const set = applyAll(renamed.value, spec.set, 'set')
  if (set.kind === 'refused' || spec.slo === undefined) return checked(set, 'set')
  return checked(applyAll(set.value, { slo: spec.slo, 'models[*].slo': null }, 'slo'), 'slo')
}

/** Each level by itself, so that a sentence can say which one is wrong. */
function levelProblems({ factors }: ExperimentSpec, base: unknown): string[] {
  return factors.flatMap((factor, i) =>
    factor.values.flatMap((value, j) => {
      const where = `factors[${i}].values[${j}]`
      const level = checked(applyAll(base, settingsOf(factor, value), where), where)
      return level.kind === 'refused' ? level.problems : []
    }),
  )
}

function buildCells({ factors }: ExperimentSpec, base: unknown): Parsed<readonly Cell[]> {
  const cells: Cell[] = []
  const problems = new Set<string>()
  for (const combination of combinations(factors)) {
    const levels = combination.map(({ value }) => levelName(value))
    const label = factors.map(({ name }, i) => `${name}=${levels[i]}`).join(' ')
    let document: Parsed<unknown> = { kind: 'parsed', value: base }
    for (const { factor, value } of combination) {
      if (document.kind === 'parsed') document = applyAll(document.value, settingsOf(factor, value), label)
    }
    const scenario = document.kind === 'parsed' ? parseScenario(document.value) : document
    if (scenario.kind === 'refused')
      for (const problem of scenario.problems) problems.add(`${label}: ${problem}`)
    else cells.push({ levels, scenario: scenario.value })
  }
  return problems.size === 0 ? { kind: 'parsed', value: cells } : { kind: 'refused', problems: [...problems] }
}

interface Choice {
  readonly factor: FactorSpec
  readonly value: FactorValue
}

/** Every choice of one value of each factor; the last factor changes fastest. */
function combinations(factors: readonly FactorSpec[]): readonly (readonly Choice[])[] {
  return factors.reduce<readonly (readonly Choice[])[]>(
    (sofar, factor) =>
      sofar.flatMap((choices) => factor.values.map((value) => [...choices, { factor, value }])),
    [[]],
  )
}

function settingsOf({ name, path }: FactorSpec, value: FactorValue): Settings {
  return typeof value === 'object' && 'set' in value ? value.set : { [path ?? name]: value }
}

/** Fields that the experiment itself decides. */
const OWN_FIELDS: ReadonlyMap<string, string> = new Map([
  ['seed', 'seeds says which there are'],
  ['compare', 'factors and comparisons say what is compared'],
])

function applyAll(document: unknown, settings: Settings, where: string): Parsed<unknown> {
  let value = document
  for (const [path, setting] of Object.entries(settings)) {
    const own = where === '' ? undefined : OWN_FIELDS.get(path)
    if (own !== undefined) return { kind: 'refused', problems: [`${where}: the path is "${path}"; ${own}`] }
    const applied = applySetting(value, path, setting)
    if (applied.kind === 'refused')
      return { kind: 'refused', problems: applied.problems.map((problem) => `${where}: the path ${problem}`) }
    value = applied.value
  }
  return { kind: 'parsed', value }
}

/** Whether the document is a scenario; the document itself is handed on, since defaults are filled in once, at the end. */
function checked(document: Parsed<unknown>, where: string): Parsed<unknown> {
  if (document.kind === 'refused') return document
  const parsed = parseScenario(document.value)
  if (parsed.kind === 'parsed') return document
  return { kind: 'refused', problems: parsed.problems.map((problem) => `${where}: ${problem}`) }
}

// ── identity ──────────────────────────────────────────────────────────────────────────────────────

/** Names and questions do not change what is computed. */
function runId({ name: _, question: __, ...content }: Scenario, repetition: number): string {
  return sha256Hex(canonicalJson({ ...content, repetition })).slice(0, ID_DIGITS)
}

/** Two combinations that are the same scenario would be one run counted twice. */
function twinProblem(plan: ExperimentPlan, runs: readonly PlannedRun[]): string | undefined {
  const first = new Map<string, PlannedRun>()
  for (const run of runs) {
    const twin = first.get(run.id)
    if (twin !== undefined) {
      const label = ({ cell }: PlannedRun) => cellLabel(plan, plan.cells[cell].levels)
      return `factors: ${label(twin)} and ${label(run)} are the same scenario; every combination must be one of its own`
    }
    first.set(run.id, run)
  }
  return undefined
}
