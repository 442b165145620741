import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BadInput } from '../bad-input.js'

const STAGING = '.partial'

/**
 * Where results go. Everything is written below `DIR/.partial` and moved into place at the end, file by file, so
 * that what is found in `DIR` is always whole. What a run does not write is left alone.
 */
export class ResultFolder {
  readonly path: string
  readonly #staging: string
  readonly #created: string | undefined

  /** @throws {BadInput} when `path` cannot be a folder. */
  constructor(path: string) {
    this.path = path
    this.#staging = join(path, STAGING)
    try {
      const existing = statSync(path, { throwIfNoEntry: false })
      if (existing?.isDirectory() === false) {
        throw new BadInput(`--out ${path}: is a file; it must be a folder, or not exist yet`)
      }
      this.#created = existing === undefined ? firstMissing(path) : undefined
      rmSync(this.#staging, { recursive: true, force: true })
      mkdirSync(this.#staging, { recursive: true })
    } catch (error) {
      if (error instanceof BadInput) throw error
      throw new BadInput(
        `--out ${path}: cannot be written (${error instanceof Error ? error.message : String(error)})`,
      )
    }
  }

  /** Path to write `name` to now; it becomes `DIR/name` with {@link commit}. */
  file(name: string): string {
    const path = join(this.#staging, name)
    mkdirSync(dirname(path), { recursive: true })
    return path
  }

  /** Moves everything into place. */
  commit(): void {
    moveInto(this.#staging, this.path)
    rmSync(this.#staging, { recursive: true, force: true })
  }

  /** Leaves no trace of a run that failed. */
  discard(): void {
    rmSync(this.#staging, { recursive: true, force: true })
    if (this.#created !== undefined) removeEmpty(this.path, this.#created)
  }
}

function moveInto(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    if (entry.isDirectory()) moveInto(source, join(to, entry.name))
    else renameSync(source, join(to, entry.name))
  }
}

/** The topmost folder of `path` that does not exist yet. */
function firstMissing(path: string): string {
  const parent = dirname(path)
  return parent === path || existsSync(parent) ? path : firstMissing(parent)
}

/** Removes `path` and the folders above it up to `top`, as long as they are empty. */
function removeEmpty(path: string, top: string): void {
  for (let folder = path; ; folder = dirname(folder)) {
    if (!existsSync(folder) || readdirSync(folder).length > 0) return
    rmSync(folder, { recursive: true })
    if (folder === top) return
  }
}
