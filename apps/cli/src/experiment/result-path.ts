import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { OperationalError } from '@kvasir/event-log'
import { readExperiment, RESULT_FILES } from '@kvasir/results'
import { BadInput } from '../bad-input.js'

/** Where results go unless the command says otherwise. */
export const RESULTS_FOLDER = 'results'

/** `results/NAME/2026-11-21T16-33-07Z`: sorts by time, and is good for a file on every system. */
export function newResultPath(name: string, now: Date): string {
  const stamp = `${now.toISOString().slice(0, 19).replaceAll(':', '-')}Z`
  return join(RESULTS_FOLDER, name, stamp)
}

/**
 * A folder of results, by its path or by the experiment's name, which means its latest.
 * @throws {BadInput} when there is none, or it is something else that has a file of that name.
 */
export function findResults(name: string): string {
  if (isResult(name)) return checked(name)
  const stamps = stampsOf(join(RESULTS_FOLDER, name))
  const latest = stamps.at(-1)
  if (latest !== undefined) return checked(join(RESULTS_FOLDER, name, latest))
  throw new BadInput(
    `${name}: no results there; it must be a folder with ${RESULT_FILES.experiment}, or the name of an experiment below ${RESULTS_FOLDER}/`,
  )
}

/** What is in a folder that somebody names is input like any other: nothing has been done yet. */
function checked(path: string): string {
  try {
    readExperiment(path)
    return path
  } catch (error) {
    throw error instanceof OperationalError && error.code === 'wrong_format'
      ? new BadInput(error.message)
      : error
  }
}

/** All folders of results below `results/`, oldest first within an experiment. */
export function allResults(): readonly string[] {
  return foldersIn(RESULTS_FOLDER).flatMap((name) =>
    stampsOf(join(RESULTS_FOLDER, name)).map((stamp) => join(RESULTS_FOLDER, name, stamp)),
  )
}

export function isResult(path: string): boolean {
  return existsSync(join(path, RESULT_FILES.experiment))
}

function stampsOf(folder: string): readonly string[] {
  return foldersIn(folder).filter((stamp) => isResult(join(folder, stamp)))
}

function foldersIn(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter((name) => statSync(join(folder, name)).isDirectory())
    .sort()
}
