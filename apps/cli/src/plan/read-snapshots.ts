import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Parsed } from '@kvasir/contracts'
import { BadInput } from '../bad-input.js'

/** Reads a snapshot out of parsed JSON. */
export type SnapshotReader<Snapshot> = (document: unknown) => Parsed<Snapshot>

/** Whether a file holds one snapshot a line. */
export function isLines(path: string): boolean {
  return path.toLowerCase().endsWith('.jsonl')
}

/** The one snapshot of a JSON file. @throws {BadInput} naming file and field. */
export function readSnapshot<Snapshot>(path: string, read: SnapshotReader<Snapshot>): Snapshot {
  return snapshotOf(
    path,
    unreadable(path, () => readFileSync(path, 'utf8')),
    read,
  )
}

/** The snapshots of a file with one a line, in its order. @throws {BadInput} naming file, line and field. */
export async function* readSnapshotLines<Snapshot>(
  path: string,
  read: SnapshotReader<Snapshot>,
): AsyncGenerator<Snapshot> {
  const input = createReadStream(path, 'utf8')
  let number = 0
  let empty: number | undefined
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number++
      if (line.trim() === '') {
        empty ??= number
        continue
      }
      // Answers are matched to snapshots by line: only the end of a file may be empty.
      if (empty !== undefined) throw new BadInput(`${path}: line ${empty}: is empty; it must hold a snapshot`)
      yield snapshotOf(`${path}: line ${number}`, line, read)
    }
  } catch (error) {
    throw error instanceof BadInput ? error : unreadableFile(path, error)
  } finally {
    input.destroy()
  }
  if (number === 0 || empty === 1) throw new BadInput(`${path}: holds no snapshot`)
}

function snapshotOf<Snapshot>(where: string, text: string, read: SnapshotReader<Snapshot>): Snapshot {
  const parsed = read(jsonOf(where, text))
  if (parsed.kind === 'parsed') return parsed.value
  throw new BadInput(parsed.problems.map((problem) => `${where}: ${problem}`))
}

function jsonOf(where: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new BadInput(`${where}: not valid JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function unreadable(path: string, read: () => string): string {
  try {
    return read()
  } catch (error) {
    throw unreadableFile(path, error)
  }
}

function unreadableFile(path: string, error: unknown): BadInput {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return new BadInput(`--input ${path}: no such file`)
  if (code === 'EISDIR') return new BadInput(`--input ${path}: is a folder; name a file in it`)
  return new BadInput(
    `--input ${path}: cannot be read (${error instanceof Error ? error.message : String(error)})`,
  )
}
