import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ExperimentSpec, parseExperiment } from '@kvasir/contracts'
import { cellLabel, type ExperimentPlan, planExperiment, smallVersion } from '@kvasir/experiment'
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
  readonly plan: ExperimentPlan
  readonly small: boolean
}

/** What the command line changes of a specification. */
export interface ExperimentOptions {
  readonly small: boolean
  readonly seeds: readonly number[] | undefined
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
  const spec = withOptions(parsed.value, options)
  const plan = planExperiment({ spec, base })
  if (plan.kind === 'refused') throw new BadInput(plan.problems.map((problem) => `${path}: ${problem}`))
  checkCells(plan.value, { path, folder })
  return { spec, base, folder, plan: plan.value, small: options.small }
}

/** What only the placement of models and the files can show to be wrong: found before anything runs. */
function checkCells(
  plan: ExperimentPlan,
  { path, folder }: { readonly path: string; readonly folder: string },
): void {
  const problems = plan.cells.flatMap(({ levels, scenario }) => {
    const planning = planCluster(scenario)
    const own = [
      ...generatorProblems(scenario),
      ...(planning.kind === 'refused' ? planning.problems : []),
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

function withOptions(spec: ExperimentSpec, { small, seeds }: ExperimentOptions): ExperimentSpec {
  const sized = small ? smallVersion(spec) : spec
  return seeds === undefined ? sized : { ...sized, seeds }
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
