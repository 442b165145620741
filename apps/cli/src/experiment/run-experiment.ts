import { relative, resolve } from 'node:path'
import type { Manifest, ManifestSession } from '@kvasir/contracts'
import {
  ExperimentMachine,
  knownRuns,
  planExperiment,
  type RunExecutor,
  type RunRecord,
  runsOfSeed,
  SearchMachine,
  searchState,
  type RunsMachine,
} from '@kvasir/experiment'
import type { ExperimentReport } from '@kvasir/report'
import { readExperiment, readManifest, readRecords, ResultStore } from '@kvasir/results'
import { BadInput } from '../bad-input.js'
import { conduct } from './conduct.js'
import { ExperimentProgressLine } from './experiment-progress.js'
import { findSearch, type FoundExperiment } from './find-experiment.js'
import { manifestOf, type ResultFacts, writeResults } from './finish-results.js'
import { beginSession } from './provenance.js'
import { isResult } from './result-path.js'

/** Results with all that their files say. */
export interface WrittenResults {
  readonly path: string
  readonly manifest: Manifest
  readonly report: ExperimentReport
}

/** Runs an experiment from its beginning, into a folder of its own. @throws {BadInput} when `path` has results. */
export async function runExperiment(
  experiment: FoundExperiment,
  path: string,
  executor: RunExecutor,
): Promise<WrittenResults> {
  if (isResult(path)) {
    executor.close()
    throw new BadInput(
      `--out ${path}: has results already; kvasir experiment resume ${path} goes on with them, or name another folder`,
    )
  }
  const { spec, base, folder, small, plan, search } = experiment
  const scenarioFolder = relative(resolve(path), folder) || '.'
  const store = ResultStore.create(path, { spec, base, scenarioFolder, small })
  return session(store, { plan, search, base, folder, small, sessions: [] }, executor)
}

/** Goes on where an experiment was stopped or killed; what has ended is not run again. @throws {BadInput} */
export async function resumeExperiment(path: string, executor: RunExecutor): Promise<WrittenResults> {
  const stored = openStored(path)
  const manifest = readManifest(path)
  const store = ResultStore.open(path)
  return session(store, { ...stored, sessions: manifest.sessions }, executor)
}

/** Writes the reports of results again. */
export function reportAgain(path: string): WrittenResults {
  const stored = openStored(path)
  const { seeds, status, sessions } = readManifest(path)
  const planned =
    stored.search === undefined
      ? { runs: seeds.flatMap((seed) => runsOfSeed(stored.plan, seed)) }
      : searchState(stored.search, knownRuns(readRecords(path)))
  const { plan, runs } = { plan: stored.plan, ...planned }
  return { path, ...writeResults(path, { ...stored, plan, runs, seeds, status, sessions }) }
}

/** The plan is of the factors alone where there is a search. */
type Begun = Pick<ResultFacts, 'plan' | 'search' | 'base' | 'folder' | 'small' | 'sessions'>

function openStored(path: string): Omit<Begun, 'sessions'> {
  const { spec, base, scenarioFolder, small } = readExperiment(path)
  const planning = planExperiment({ spec, base })
  if (planning.kind === 'refused')
    throw new BadInput(planning.problems.map((problem) => `${path}: ${problem}`))
  const search = findSearch({ spec, base }, path)
  return { plan: planning.value, search, base, folder: resolve(path, scenarioFolder), small }
}

/** One process's part in an experiment. */
async function session(store: ResultStore, begun: Begun, executor: RunExecutor): Promise<WrittenResults> {
  const { path } = store
  const own = beginSession(executor.parallel)
  const records = readRecords(path)
  const machine = machineFor(begun, records)
  const facts = (status: Manifest['status'], now: ManifestSession): ResultFacts => ({
    ...begun,
    plan: machine.plan,
    runs: machine.runs,
    seeds: machine.seeds,
    status,
    sessions: [...begun.sessions, now],
  })
  store.writeManifest(manifestOf(path, facts('running', own)).manifest)
  const line = new ExperimentProgressLine(machine, executor)
  line.say(beginText(begun, records, { path, parallel: executor.parallel }))
  try {
    const status = await conduct({
      machine,
      executor,
      store,
      folder: begun.folder,
      watch: () => line.draw(),
      say: (text) => line.say(text),
    })
    line.clear()
    const ended = { ...own, endedAt: new Date().toISOString() }
    const written = writeResults(path, facts(status, ended))
    store.writeManifest(written.manifest)
    return { path, ...written }
  } finally {
    store.close()
  }
}

function machineFor({ plan, search }: Begun, records: readonly RunRecord[]): RunsMachine {
  return search === undefined ? new ExperimentMachine(plan, records) : new SearchMachine(search, records)
}

function beginText(
  { plan, search }: Begun,
  records: readonly RunRecord[],
  { path, parallel }: { readonly path: string; readonly parallel: number },
): string {
  const ended = new Set(records.flatMap(({ kind, id }) => (kind === 'ended' ? [id] : []))).size
  const done = ended > 0 ? `, ${ended} of them done before` : ''
  const runs = search === undefined ? `${plan.runs.length} runs` : `a search of up to ${search.runsMax} runs`
  return `${plan.spec.name}: ${runs} of ${plan.cells.length} combinations${done}, ${parallel} at a time, into ${path}`
}
