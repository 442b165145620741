import { basename, isAbsolute, resolve } from 'node:path'
import type { Scenario, TraceSpec } from '@kvasir/contracts'
import { OperationalError, readTextChunks } from '@kvasir/event-log'
import type { Micros } from '@kvasir/kernel'
import {
  generatorFiles,
  generatorProblems,
  type ModelDemand,
  type ModelTraffic,
  routeTrace,
  type TraceRouting,
  type WorkloadFiles,
} from '@kvasir/simulation'
import {
  createLengthReader,
  type DealRule,
  describeCounts,
  describeProblem,
  type LengthPair,
  type ModelMap,
} from '@kvasir/workload'
import { BadInput } from '../bad-input.js'
import {
  scanTrace,
  type TraceFacts,
  traceFormat,
  TraceFileStream,
  type TraceFileOptions,
} from '../input/trace-file.js'
import type { ResolvedScenario } from './resolve-scenario.js'

/** A trace that has been read once and is known to be good. */
export interface PreparedTrace {
  readonly spec: TraceSpec
  readonly options: TraceFileOptions
  readonly facts: TraceFacts
  readonly routing: TraceRouting
}

export interface PreparedWorkload {
  readonly traces: readonly PreparedTrace[]
  readonly files: WorkloadFiles
  /** What the traces' requests add up to, by model. */
  readonly demand: ModelDemand
  /** Requests there will be; undefined where only running tells. */
  readonly requests: number | undefined
  readonly skippedLines: number
  /** What was read and how it was understood, one sentence each. */
  readonly notes: readonly string[]
}

/**
 * Reads everything that a scenario's workload takes from files. @throws {BadInput} for whatever is wrong with them.
 */
export async function prepareWorkload(
  resolved: ResolvedScenario,
  { skipBadLines }: { readonly skipBadLines: boolean },
): Promise<PreparedWorkload> {
  const { scenario } = resolved
  const problems = generatorProblems(scenario)
  if (problems.length > 0) throw new BadInput(problems)
  const traces: PreparedTrace[] = []
  for (const index of scenario.workload.traces.keys())
    traces.push(await prepareTrace(resolved, index, skipBadLines))
  return {
    traces,
    files: await readGeneratorFiles(scenario, resolved.folder, skipBadLines),
    demand: demandOf(traces),
    requests: expectedRequests(scenario, traces),
    skippedLines: traces.reduce((sum, { facts }) => sum + facts.counts.badLines, 0),
    notes: traces.flatMap((trace) => notesOf(trace, scenario, resolved.table)),
  }
}

/** Streams for one run, each to be filled before it is pulled. */
export function openTraces(traces: readonly PreparedTrace[]): readonly TraceFileStream[] {
  return traces.map(({ options, facts, spec }) => new TraceFileStream(options, facts, spec.repeat))
}

async function prepareTrace(
  resolved: ResolvedScenario,
  index: number,
  skipBadLines: boolean,
): Promise<PreparedTrace> {
  const { scenario, folder, table } = resolved
  const spec = scenario.workload.traces[index]
  const path = `workload.traces[${index}]`
  const options: TraceFileOptions = {
    path: pathOf(folder, spec.file),
    format: traceFormat(spec.format, `${path}.format`),
    skipBadLines,
    limit: limitOf(scenario, spec),
  }
  const facts = resolved.facts.get(options.path) ?? (await scanTrace(options))
  const names = [...facts.models.keys()].filter((name) => name !== undefined)
  const routing = routeTrace({ path, spec, names }, scenario.models, table)
  if (routing.kind === 'refused') throw new BadInput(routing.problems)
  return { spec, options, facts, routing: routing.value }
}

/** No more is read of a trace that is alone than the run takes. */
function limitOf({ workload }: Scenario, { limit, repeat }: TraceSpec): number | undefined {
  const alone = workload.traces.length === 1 && workload.generators.length === 0 && repeat === 1
  if (!alone || workload.requests === undefined) return limit
  return Math.min(limit ?? Infinity, workload.requests)
}

function pathOf(folder: string, file: string): string {
  return isAbsolute(file) ? file : resolve(folder, file)
}

async function readGeneratorFiles(
  scenario: Scenario,
  folder: string,
  skipBadLines: boolean,
): Promise<WorkloadFiles> {
  const { arrivals, lengths } = generatorFiles(scenario)
  const arrivalsUs = new Map<string, readonly Micros[]>()
  for (const { file, format } of arrivals) {
    const path = pathOf(folder, file)
    const options = { path, format: traceFormat(format, 'arrivals.format'), skipBadLines, limit: undefined }
    const stream = new TraceFileStream(options, await scanTrace(options), 1)
    const times: Micros[] = []
    await stream.fill(Infinity)
    for (let record = stream.next(); record !== undefined; record = stream.next())
      times.push(record.arrivalUs)
    arrivalsUs.set(file, times)
  }
  const pairs = new Map<string, readonly LengthPair[]>()
  for (const file of new Set(lengths)) pairs.set(file, await readLengths(pathOf(folder, file), skipBadLines))
  return { arrivalsUs: (file) => arrivalsUs.get(file) ?? [], lengths: (file) => pairs.get(file) ?? [] }
}

async function readLengths(path: string, skipBadLines: boolean): Promise<readonly LengthPair[]> {
  const reader = createLengthReader({ skipBadLines })
  const pairs: LengthPair[] = []
  const take = (batch: ReturnType<typeof reader.push>) => {
    if (batch.kind === 'failed') throw new BadInput(`${path}: ${describeProblem(batch.problem)}`)
    for (const pair of batch.rows) pairs.push(pair)
  }
  try {
    for await (const text of readTextChunks(path)) take(reader.push(text))
  } catch (error) {
    throw error instanceof OperationalError ? new BadInput(error.message) : error
  }
  take(reader.end())
  if (pairs.length === 0) throw new BadInput(`${path}: holds no lengths`)
  return pairs
}

/** What the requests of each model add up to; those that name no model count for the models they are dealt to. */
function demandOf(traces: readonly PreparedTrace[]): ModelDemand {
  const demand = new Map<string, ModelTraffic>()
  const add = (model: string, traffic: ModelTraffic, share: number) => {
    const { requests, promptTokens, outputTokens } = demand.get(model) ?? NO_TRAFFIC
    demand.set(model, {
      requests: requests + traffic.requests * share,
      promptTokens: promptTokens + traffic.promptTokens * share,
      outputTokens: outputTokens + traffic.outputTokens * share,
    })
  }
  for (const { facts, routing } of traces) {
    for (const [name, traffic] of facts.models) {
      const model = name === undefined ? undefined : routing.modelOf.get(name)
      if (model !== undefined) add(model, traffic, 1)
      else for (const dealt of dealShares(routing.deal)) add(dealt.model, traffic, dealt.share)
    }
  }
  return demand
}

const NO_TRAFFIC: ModelTraffic = { requests: 0, promptTokens: 0, outputTokens: 0 }

function dealShares(deal: DealRule): { readonly model: string; readonly share: number }[] {
  if (deal.kind === 'one') return [{ model: deal.model, share: 1 }]
  const total = deal.models.reduce((sum, { weight }) => sum + weight, 0)
  return deal.models.map(({ model, weight }) => ({ model, share: weight / total }))
}

function expectedRequests(
  { workload, durationS, stopAtS }: Scenario,
  traces: readonly PreparedTrace[],
): number | undefined {
  if (durationS !== undefined || stopAtS !== undefined) return undefined
  let total = traces.reduce((sum, { facts, spec }) => sum + facts.requests * spec.repeat, 0)
  for (const { requests } of workload.generators) {
    if (requests === undefined) return workload.requests
    total += requests
  }
  return Math.min(total, workload.requests ?? Infinity)
}

function notesOf(
  { spec, facts, options, routing }: PreparedTrace,
  scenario: Scenario,
  table: ModelMap,
): string[] {
  const spanMin = ((facts.lastArrivalUs - facts.firstArrivalUs) / 60e6).toFixed(1)
  const times = spec.repeat === 1 ? '' : `, ${spec.repeat} times`
  const file = basename(options.path)
  const what = `${file}: ${facts.requests} requests over ${spanMin} min (${facts.format})${times}`
  const counts = describeCounts(facts.counts).map((count) => `${file}: ${count}`)
  return [what, ...counts, ...routesOf(routing, facts, scenario, table)]
}

/** Who serves what: the table of names, as far as the trace uses it. */
function routesOf(routing: TraceRouting, facts: TraceFacts, scenario: Scenario, table: ModelMap): string[] {
  const architecture = (model: string) =>
    scenario.models.find(({ name }) => name === model)?.architecture ?? ''
  const routes = [...routing.modelOf].map(([name, model]) => {
    const shown = model === name ? architecture(model) : `${model} (${architecture(model)})`
    const shipped = table.get(name)?.architecture === architecture(model) ? '' : ', as the scenario says'
    return `${name} -> ${shown}${table.has(name) ? shipped : ''}`
  })
  if (!facts.models.has(undefined)) return routes
  const { deal } = routing
  if (deal.kind === 'one')
    return [...routes, `requests that name no model -> ${deal.model} (${architecture(deal.model)})`]
  const shares = deal.models.map(({ model, weight }) => `${model} ${weight}`).join(', ')
  return [...routes, `requests that name no model are dealt in turn, by weight: ${shares}`]
}
