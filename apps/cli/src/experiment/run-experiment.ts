import { relative, resolve } from 'node:path'
import type { Manifest, ManifestSession } from '@kvasir/contracts'
import { ExperimentMachine, type ExperimentPlan, planExperiment, type RunExecutor } from '@kvasir/experiment'
import type { ExperimentReport } from '@kvasir/report'
import { readExperiment, readManifest, readRecords, ResultStore } from '@kvasir/results'
import { BadInput } from '../bad-input.js'
import { conduct } from './conduct.js'
import { ExperimentProgressLine } from './experiment-progress.js'
import type { FoundExperiment } from './find-experiment.js'
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
  const { spec, base, folder, small, plan } = experiment
  const scenarioFolder = relative(resolve(path), folder) || '.'
  const store = ResultStore.create(path, { spec, base, scenarioFolder, small })
  return session(store, { plan, base, folder, small, sessions: [] }, executor)
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
  return { path, ...writeResults(path, { ...stored, seeds, status, sessions }) }
}

type Begun = Pick<ResultFacts, 'plan' | 'base' | 'folder' | 'small' | 'sessions'>

function openStored(path: string): Omit<Begun, 'sessions'> {
  const { spec, base, scenarioFolder, small } = readExperiment(path)
  const planning = planExperiment({ spec, base })
  if (planning.kind === 'refused')
    throw new BadInput(planning.problems.map((problem) => `${path}: ${problem}`))
  return { plan: planning.value, base, folder: resolve(path, scenarioFolder), small }
}

/** One process's part in an experiment. */
async function session(store: ResultStore, begun: Begun, executor: RunExecutor): Promise<WrittenResults> {
  const { path } = store
  const own = beginSession(executor.parallel)
  const machine = new ExperimentMachine(begun.plan, readRecords(path))
  const facts = (status: Manifest['status'], now: ManifestSession): ResultFacts => ({
    ...begun,
    seeds: machine.seeds,
    status,
    sessions: [...begun.sessions, now],
  })
  store.writeManifest(manifestOf(path, facts('running', own)).manifest)
  const line = new ExperimentProgressLine(machine, executor)
  line.say(beginText(begun.plan, machine, { path, parallel: executor.parallel }))
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

function beginText(
  { cells, spec }: ExperimentPlan,
  { progress }: ExperimentMachine,
  { path, parallel }: { readonly path: string; readonly parallel: number },
): string {
  const done = progress.ended > 0 ? `, ${progress.ended} of them done before` : ''
  return `${spec.name}: ${progress.planned} runs of ${cells.length} combinations${done}, ${parallel} at a time, into ${path}`
}
