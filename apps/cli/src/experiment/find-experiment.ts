import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ExperimentSpec,
  type FactorValue,
  levelName,
  parseExperiment,
  type Scenario,
} from '@kvasir/contracts'
import {
  cellLabel,
  type ExperimentPlan,
  planExperiment,
  planSearch,
  type SearchSpace,
  smallVersion,
  withoutLevels,
} from '@kvasir/experiment'
import { generatorProblems, planCluster } from '@kvasir/simulation'
import { BadInput } from '../bad-input.js'
import { documentExtensions, readDocument } from '../input/read-document.js'
import { scenarioPath } from '../simulate/resolve-scenario.js'
import { scenarioFiles } from './provenance.js'

/** An experiment ready to run. */
export interface FoundExperiment {
  readonly spec: ExperimentSpec
  /** The base scenario as it was read. */
  readonly base: unknown
  /** Where the scenario's relative paths start. */
  readonly folder: string
  /** Of all combinations; of a search its factors alone. */
  readonly plan: ExperimentPlan
  /** What there is to look at, where the experiment has a search. */
  readonly search: SearchSpace | undefined
  readonly small: boolean
}

/** What the command line changes of a specification. */
export interface ExperimentOptions {
  readonly small: boolean
  readonly seeds: readonly number[] | undefined
  /** What the first goal of a search has to reach. */
  readonly goal?: number
}

/** From src/experiment and from dist/experiment alike. */
const shippedFolder = fileURLToPath(new URL('../../../../infra/experiments/', import.meta.url))

/** Names of the experiments that come with the command. */
export function shippedExperiments(): readonly string[] {
  if (!existsSync(shippedFolder)) return []
  return readdirSync(shippedFolder)
    .filter((file) => documentExtensions.some((extension) => file.endsWith(extension)))
    .map((file) => basename(file, extname(file)))
    .sort()
}

/** @throws {BadInput} for whatever is wrong with the file, the experiment or its scenario. */
export function findExperiment(name: string, options: ExperimentOptions): FoundExperiment {
  const path = experimentPath(name)
  const parsed = parseExperiment(readDocument(path))
  if (parsed.kind === 'refused') throw new BadInput(parsed.problems.map((problem) => `${path}: ${problem}`))
  const { base, folder } = baseScenario(parsed.value, path)
  const spec = withWhatIsThere(withOptions(parsed.value, options), folder)
  const plan = planExperiment({ spec, base })
  if (plan.kind === 'refused') throw new BadInput(plan.problems.map((problem) => `${path}: ${problem}`))
  checkCells(plan.value, { path, folder })
  const search = findSearch({ spec, base }, path)
  return { spec, base, folder, plan: plan.value, search, small: options.small }
}

/** @param path of the file, or of the results. @throws {BadInput} when there is nothing to look at. */
export function findSearch(
  { spec, base }: Pick<FoundExperiment, 'spec' | 'base'>,
  path: string,
): SearchSpace | undefined {
  if (spec.search === undefined) return undefined
  const planned = planSearch({ spec, base, refusals: placementProblems })
  if (planned.kind === 'parsed') return planned.value
  throw new BadInput(planned.problems.slice(0, PROBLEMS_MAX).map((problem) => `${path}: ${problem}`))
}

/** What only the placement of models can show to be wrong. */
function placementProblems(scenario: Scenario): readonly string[] {
  const planning = planCluster(scenario)
  return [...generatorProblems(scenario), ...(planning.kind === 'refused' ? planning.problems : [])]
}

/** What only the placement of models and the files can show to be wrong: found before anything runs. A search may mend the placement. */
function checkCells(
  plan: ExperimentPlan,
  { path, folder }: { readonly path: string; readonly folder: string },
): void {
  const problems = plan.cells.flatMap(({ levels, scenario }) => {
    const own = [
      ...(plan.spec.search === undefined ? placementProblems(scenario) : []),
      ...scenarioFiles(scenario).flatMap((file) =>
        existsSync(resolve(folder, file)) ? [] : [`${file}: no such file in ${folder}`],
      ),
    ]
    const label = cellLabel(plan, levels)
    return own.map((problem) => `${path}: ${label === '' ? '' : `${label}: `}${problem}`)
  })
  if (problems.length > 0) throw new BadInput(problems.slice(0, PROBLEMS_MAX))
}

/** A level that is wrong is wrong in many combinations. */
const PROBLEMS_MAX = 10

function withOptions(spec: ExperimentSpec, { small, seeds, goal }: ExperimentOptions): ExperimentSpec {
  const whole = small ? smallVersion(spec) : spec
  const sized = goal === undefined ? whole : withGoal(whole, goal)
  return seeds === undefined ? sized : { ...sized, seeds }
}

/** @throws {BadInput} when there is no goal to change. */
function withGoal(spec: ExperimentSpec, number: number): ExperimentSpec {
  const { search } = spec
  if (search === undefined || search.goals.length === 0)
    throw new BadInput(
      `--goal is ${number}; ${spec.name} has no search with goals, so that it must be left out`,
    )
  const [{ path, atLeast }, ...others] = search.goals
  const goals = [{ path, ...(atLeast === undefined ? { atMost: number } : { atLeast: number }) }, ...others]
  return { ...spec, search: { ...search, goals } }
}

/** Levels that need files which are not here are left out, and it is said: data of others is not everywhere. */
function withWhatIsThere(spec: ExperimentSpec, folder: string): ExperimentSpec {
  return withoutLevels(spec, (value) => {
    const file = neededFile(value)
    if (file === undefined || existsSync(resolve(folder, file))) return false
    process.stderr.write(`${spec.name}: left out "${levelName(value)}": no file ${resolve(folder, file)}\n`)
    return true
  })
}

function neededFile(value: FactorValue): string | undefined {
  return typeof value === 'object' && 'needs' in value ? value.needs : undefined
}

/** A file, or the name of a shipped experiment where there is no such file. */
function experimentPath(name: string): string {
  const shipped = documentExtensions.map((extension) => join(shippedFolder, `${name}${extension}`))
  const found = [...(extname(name) === '' ? [] : [name]), ...shipped].find(existsSync)
  if (found !== undefined) return found
  const names = shippedExperiments().join(', ')
  throw new BadInput(`${name}: no such file, and no shipped experiment of that name (${names})`)
}

/** A base that names a file is looked for beside the experiment, then where the command runs, then among the shipped ones. */
function baseScenario({ base }: ExperimentSpec, path: string): { base: unknown; folder: string } {
  const here = dirname(resolve(path))
  if (typeof base !== 'string') return { base, folder: here }
  const beside = resolve(here, base)
  const file = existsSync(beside) ? beside : scenarioPath(base)
  return { base: readDocument(file), folder: dirname(resolve(file)) }
}
