import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

interface Known {
  readonly mark: string
  readonly sha256: string
}

const known = new Map<string, Known>()

/** SHA-256 of a file, read again only when it has changed by size or time. @throws what reading it throws. */
export function fileDigest(path: string): string {
  const { size, mtimeMs } = statSync(path)
  const mark = `${size} ${mtimeMs}`
  const before = known.get(path)
  if (before?.mark === mark) return before.sha256
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  known.set(path, { mark, sha256 })
  return sha256
}
