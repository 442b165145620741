import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseScenario, type Scenario, type ScenarioInput } from '@kvasir/contracts'
import { models, modelByName } from '@kvasir/hardware'
import { defaultScenario } from '@kvasir/simulation'
import { defaultModelMap, type ModelMap, overrideModelMap } from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import { documentExtensions, readDocument } from '../input/read-document.js'
import { scanTrace, type TraceFacts } from '../input/trace-file.js'
import type { SimulateFlags } from './flags.js'

/** A scenario with every option of the command line applied, and where its relative paths start. */
export interface ResolvedScenario {
  readonly scenario: Scenario
  readonly folder: string
  /** Which model every known name in a trace stands for. */
  readonly table: ModelMap
  /** Already known about traces, by resolved path. */
  readonly facts: ReadonlyMap<string, TraceFacts>
  /** The scenario was made for a trace: replicas follow the load. */
  readonly byDemand: boolean
}

/** What runs when nothing is asked for. */
const DEFAULT_SCENARIO = 'three-models'

/** From src/simulate and from dist/simulate alike. */
const shippedFolder = fileURLToPath(new URL('../../../../infra/scenarios/', import.meta.url))

/** Names of the scenarios that come with the command. */
export function shippedScenarios(): readonly string[] {
  if (!existsSync(shippedFolder)) return []
  return readdirSync(shippedFolder)
    .filter((file) => documentExtensions.some((extension) => file.endsWith(extension)))
    .map((file) => basename(file, extname(file)))
    .sort()
}

/** @throws {BadInput} for whatever is wrong with files, scenario or options. */
export async function resolveScenario(flags: SimulateFlags): Promise<ResolvedScenario> {
  if (flags.scenario === undefined && flags.trace !== undefined) return scenarioOfTrace(flags, flags.trace)
  const path = scenarioPath(flags.scenario ?? DEFAULT_SCENARIO)
  const parsed = parseScenario(readDocument(path))
  if (parsed.kind === 'refused') throw new BadInput(parsed.problems.map((problem) => `${path}: ${problem}`))
  const scenario = withOptions(parsed.value, flags)
  return {
    scenario: flags.trace === undefined ? scenario : withTrace(scenario, flags, flags.trace),
    folder: dirname(path),
    table: modelTable(flags.modelMap),
    facts: new Map(),
    byDemand: false,
  }
}

/**
 * A file, or the name of a shipped scenario where there is no such file.
 * @throws {BadInput} naming the shipped ones.
 */
export function scenarioPath(name: string): string {
  if (existsSync(name)) return name
  const shipped = documentExtensions
    .map((extension) => join(shippedFolder, `${name}${extension}`))
    .find(existsSync)
  if (shipped !== undefined) return shipped
  throw new BadInput(
    `${name}: no such file, and no shipped scenario of that name (${shippedScenarios().join(', ')})`,
  )
}

async function scenarioOfTrace(flags: SimulateFlags, file: string): Promise<ResolvedScenario> {
  const path = resolve(file)
  const options = { path, format: flags.traceFormat, skipBadLines: flags.skipBadLines, limit: flags.requests }
  const facts = await scanTrace(options)
  const table = modelTable(flags.modelMap)
  const made = defaultScenario({
    name: traceName(file),
    file: path,
    format: flags.traceFormat,
    modelNames: [...facts.models.keys()].filter((name) => name !== undefined),
    table,
    architectures: new Set(models.map((model) => model.name)),
  })
  if (made.kind === 'refused') throw new BadInput(made.problems)
  const scenario = withOptions(checked(made.value), flags)
  return { scenario, folder: dirname(path), table, facts: new Map([[path, facts]]), byDemand: true }
}

/** `azure_llm_2023_conv` for `.../azure_llm_2023_conv.csv.gz`. */
function traceName(file: string): string {
  const name = basename(file)
  return name.split('.').find((part) => part !== '') ?? name
}

function withOptions(scenario: Scenario, flags: SimulateFlags): Scenario {
  const engine = engineOptions(flags)
  return {
    ...scenario,
    engine: { ...scenario.engine, ...engine },
    // The command line speaks for all models, also for those that have settings of their own.
    models: scenario.models.map((model) => ({ ...model, engine: { ...model.engine, ...engine } })),
    dispatch: flags.dispatch ?? scenario.dispatch,
    durationS: flags.durationS ?? scenario.durationS,
    cluster: withSharing(
      flags.cluster === undefined ? scenario.cluster : clusterOf(scenario, flags.cluster),
      flags,
    ),
    workload: workloadWith(scenario.workload, flags),
    hardware: withProfiles(scenario.hardware, flags.profiles),
  }
}

function workloadWith(
  workload: Scenario['workload'],
  { requests = workload.requests, maxOutputTokens }: SimulateFlags,
): Scenario['workload'] {
  if (maxOutputTokens === undefined) return { ...workload, requests }
  return {
    ...workload,
    traces: workload.traces.map((trace) => ({ ...trace, maxOutputTokens })),
    generators: workload.generators.map((generator) => ({ ...generator, maxOutputTokens })),
    requests,
  }
}

function engineOptions({
  order,
  preemptive,
  predictor,
  victim,
  preemption,
}: SimulateFlags): Scenario['engine'] {
  return {
    ...(order === undefined ? {} : { order }),
    ...(preemptive ? { preemptive } : {}),
    ...(predictor === undefined ? {} : { predictor }),
    ...(victim === undefined ? {} : { victim }),
    ...(preemption === undefined ? {} : { preemption }),
  }
}

/** Another cluster keeps the tensor-parallel degree that was asked for, not the groups that were named. */
function clusterOf({ cluster }: Scenario, preset: string): Scenario['cluster'] {
  const { tp, grow, memoryUtilisation, reserveGiB, sharing } = cluster
  return { preset, tp, grow, memoryUtilisation, reserveGiB, sharing }
}

/** Paths of the command line start in the working folder, those of a scenario in its own. */
function withProfiles(hardware: Scenario['hardware'], files: readonly string[]): Scenario['hardware'] {
  if (files.length === 0) return hardware
  return { profiles: [...(hardware?.profiles ?? []), ...files.map((file) => resolve(file))] }
}

/** The command line speaks for all groups, also for those that have a setting of their own. */
function withSharing(cluster: Scenario['cluster'], { sharing }: SimulateFlags): Scenario['cluster'] {
  if (sharing === undefined) return cluster
  return { ...cluster, sharing, groups: cluster.groups?.map((group) => ({ ...group, sharing })) }
}

/** The trace replaces the scenario's own requests. */
function withTrace(scenario: Scenario, flags: SimulateFlags, file: string): Scenario {
  const path = resolve(file)
  const names = new Set(scenario.models.map(({ name }) => name))
  const routes = [...flags.modelMap].filter(([, to]) => names.has(to))
  const { traceFormat: format, maxOutputTokens } = flags
  const trace = { file: path, format, models: Object.fromEntries(routes), maxOutputTokens }
  const input: ScenarioInput = {
    ...scenario,
    workload: { traces: [trace], requests: scenario.workload.requests },
  }
  return checked(input)
}

function checked(input: ScenarioInput): Scenario {
  const parsed = parseScenario(input)
  if (parsed.kind === 'refused') throw new BadInput(parsed.problems)
  return parsed.value
}

/** The shipped table with what `--model-map` says of architectures. */
function modelTable(overrides: ReadonlyMap<string, string>): ModelMap {
  const architectures = [...overrides].filter(([, to]) => modelByName(to).kind === 'found')
  return overrideModelMap(
    defaultModelMap,
    new Map(architectures.map(([name, architecture]) => [name, { name, architecture }])),
  )
}
