import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

const NOT_OURS = new Set(['node_modules', 'dist', 'out', 'coverage'])

/** The files of a working copy that are somebody's work, by path from its root. */
export class Repository {
  readonly #root: string
  /** Files and folders; folders without a slash at the end. */
  readonly #paths: readonly string[]

  constructor(root: string) {
    this.#root = root
    this.#paths = walk(root, '')
  }

  /** Markdown files, in a stable order. */
  get documents(): readonly string[] {
    return this.#paths.filter((path) => path.endsWith('.md'))
  }

  read(path: string): string {
    return readFileSync(join(this.#root, path), 'utf8')
  }

  exists(path: string): boolean {
    return existsSync(join(this.#root, path))
  }

  /** Folders at the top: a path that begins with one of them is meant to be a path of this repository. */
  get topFolders(): ReadonlySet<string> {
    return new Set(
      this.#paths.flatMap((path) => (path.includes('/') ? [path.slice(0, path.indexOf('/'))] : [])),
    )
  }

  /** Whether `name` (with `*` for anything within a name) is the end of a path below `folder`. */
  contains(name: string, folder: string): boolean {
    const escaped = name.replace(/\/$/, '').replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`(^|/)${escaped.replaceAll('*', '[^/]*')}$`)
    return this.#paths.some((path) => (folder === '.' || path.startsWith(`${folder}/`)) && pattern.test(path))
  }
}

function walk(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    if (
      NOT_OURS.has(entry.name) ||
      (entry.name.startsWith('.') && entry.isDirectory() && entry.name !== '.ci')
    )
      return []
    const path = posix.join(folder, entry.name)
    return entry.isDirectory() ? [path, ...walk(root, path)] : [path]
  })
}

/** The library, app or other top folder that a document speaks of; `.` for one at the top. */
export function projectOf(document: string): string {
  const [top, name, ...rest] = document.split('/')
  if (name === undefined || top === 'docs') return '.'
  return rest.length > 0 ? `${top}/${name}` : dirname(document)
}
