import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  type ExperimentSpec,
  type Manifest,
  manifestSchema,
  parseDocument,
  parseExperiment,
} from '@kvasir/contracts'
import { fileTrouble, OperationalError, writeJsonAtomic, writeTextAtomic } from '@kvasir/event-log'
import type { RunOutcome, RunRecord, SampleTable } from '@kvasir/experiment'
import { readJournal, RunJournal } from './run-journal.js'

/** The experiment as it is run: what `--small` and other options say is in it already. */
export interface StoredExperiment {
  readonly spec: ExperimentSpec
  /** The base scenario as it was read. */
  readonly base: unknown
  /** Where the scenario's relative paths start, seen from the results. */
  readonly scenarioFolder: string
  readonly small: boolean
}

/** Names in a folder of results. */
export const RESULT_FILES = {
  experiment: 'experiment.json',
  manifest: 'manifest.json',
  journal: 'journal.jsonl',
  runs: 'runs.parquet',
  /** Of an experiment that looks for a setting. */
  search: 'search.json',
  samples: 'samples.parquet',
  markdown: 'report.md',
  html: 'report.html',
  /** Bulky parts of single runs: what is drawn, samples. */
  parts: 'parts',
  lock: 'lock',
} as const

/**
 * A folder of results that one process writes at a time. What is given to `record` survives whatever happens to the process
 * afterwards.
 */
export class ResultStore {
  readonly path: string
  readonly #journal: RunJournal

  private constructor(path: string) {
    this.path = path
    this.#journal = new RunJournal(join(path, RESULT_FILES.journal))
  }

  /** A new folder. @throws {OperationalError} when there are results in it already, or it cannot be made. */
  static create(path: string, experiment: StoredExperiment): ResultStore {
    if (existsSync(join(path, RESULT_FILES.experiment)))
      throw new OperationalError(
        'write_failed',
        `${path} has results already; resume them, or name another folder`,
      )
    try {
      makeFolders(join(path, RESULT_FILES.parts))
    } catch (cause) {
      throw fileTrouble('write', path, cause)
    }
    takeLock(path)
    writeJsonAtomic(join(path, RESULT_FILES.experiment), experiment)
    return new ResultStore(path)
  }

  /** A folder of an experiment that was begun. @throws {OperationalError} when there is none, or another process writes it. */
  static open(path: string): ResultStore {
    readExperiment(path)
    takeLock(path)
    return new ResultStore(path)
  }

  /** Writes the bulky parts, then the line that makes the run count. */
  record(record: RunRecord, outcome: RunOutcome | undefined): void {
    if (outcome !== undefined) {
      if (outcome.samples !== null) writeJsonAtomic(this.#part(record.id, 'samples'), outcome.samples)
      if (outcome.drawing !== '') writeTextAtomic(this.#part(record.id, 'drawing'), outcome.drawing)
    }
    this.#journal.append(record)
  }

  writeManifest(manifest: Manifest): void {
    writeJsonAtomic(join(this.path, RESULT_FILES.manifest), manifest)
  }

  /** Lets others write here. */
  close(): void {
    this.#journal.close()
    rmSync(join(this.path, RESULT_FILES.lock), { force: true })
  }

  #part(id: string, what: 'samples' | 'drawing'): string {
    return partPath(this.path, id, what)
  }
}

/** @throws {OperationalError} when `path` is no folder of results. */
export function readExperiment(path: string): StoredExperiment {
  const file = join(path, RESULT_FILES.experiment)
  const document = readJson(file)
  const { spec, base, scenarioFolder, small } = Object(document)
  if (spec === undefined)
    throw new OperationalError(
      'wrong_format',
      `${file} has no field spec; it must be one that kvasir experiment run has written`,
    )
  const parsed = parseExperiment(spec)
  if (parsed.kind === 'refused')
    throw new OperationalError(
      'wrong_format',
      `${file}: ${parsed.problems.map((problem) => `spec: ${problem}`).join('; ')}`,
    )
  return { spec: parsed.value, base, scenarioFolder: String(scenarioFolder), small: small === true }
}

/** @throws {OperationalError} when there is none, or it is of another version. */
export function readManifest(path: string): Manifest {
  const file = join(path, RESULT_FILES.manifest)
  const parsed = parseDocument(manifestSchema, readJson(file))
  if (parsed.kind === 'parsed') return parsed.value
  throw new OperationalError('wrong_format', `${file}: ${parsed.problems.join('; ')}`)
}

export function readRecords(path: string): readonly RunRecord[] {
  return readJournal(join(path, RESULT_FILES.journal))
}

/** What a run has to be drawn from; undefined when it was not kept. */
export function readDrawing(path: string, id: string): string | undefined {
  const file = partPath(path, id, 'drawing')
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

export function readSamples(path: string, id: string): SampleTable | undefined {
  const file = partPath(path, id, 'samples')
  if (!existsSync(file)) return undefined
  const table: SampleTable = JSON.parse(readFileSync(file, 'utf8'))
  return table
}

function partPath(path: string, id: string, what: 'samples' | 'drawing'): string {
  return join(path, RESULT_FILES.parts, `${id}.${what}.json`)
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof SyntaxError)
      throw new OperationalError('wrong_format', `${file} is no JSON: ${cause.message}`, { cause })
    throw fileTrouble('read', file, cause)
  }
}

/** Node's own `recursive` says of a read-only disk that there is no such folder, and does not end below `/proc` (Node 20). */
function makeFolders(path: string): void {
  if (existsSync(path)) return
  makeFolders(dirname(path))
  mkdirSync(path)
}

// ── one writer ────────────────────────────────────────────────────────────────────────────────────

/** A lock of a process that is gone is taken over; it was killed. */
function takeLock(path: string): void {
  const file = join(path, RESULT_FILES.lock)
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
        throw fileTrouble('write', file, cause)
    }
    const owner = Number(readFileSync(file, 'utf8'))
    if (owner !== process.pid && isAlive(owner))
      throw new OperationalError(
        'write_failed',
        `${path} is being written by process ${owner}; wait for it, or remove ${file} if that is another program`,
      )
    rmSync(file, { force: true })
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
