import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileTrouble, OperationalError } from '@kvasir/event-log'
import type { RunRecord } from '@kvasir/experiment'

/**
 * The records of an experiment's runs, one JSON line each, appended as they come. A line is on the disk when `append` returns;
 * a line that a crash cut short is taken off when the journal is opened again, and its run is run again.
 */
export class RunJournal {
  readonly path: string
  #descriptor: number | undefined

  /** @throws {OperationalError} when the file cannot be opened, or holds what is no journal. */
  constructor(path: string) {
    this.path = path
    try {
      const isNew = !existsSync(path)
      this.#descriptor = openSync(path, 'a+')
      if (isNew) syncFolder(dirname(path))
      else ftruncateSync(this.#descriptor, wholeLines(readFileSync(path)).length)
    } catch (cause) {
      throw fileTrouble('write', path, cause)
    }
  }

  /** @throws {OperationalError} when it cannot be written; then it is as if the run had not ended. */
  append(record: RunRecord): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) throw new OperationalError('write_failed', `${this.path} is closed`)
    const bytes = Buffer.from(`${JSON.stringify(record)}\n`)
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset)
      fsyncSync(descriptor)
    } catch (cause) {
      throw fileTrouble('write', this.path, cause)
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}

/**
 * What a journal holds, without a last line that is not whole. Empty when there is no file.
 * @throws {OperationalError} naming the line that is no record.
 */
export function readJournal(path: string): readonly RunRecord[] {
  if (!existsSync(path)) return []
  const lines = wholeLines(readFileSync(path)).toString('utf8').split('\n').slice(0, -1)
  return lines.map((line, i) => {
    const record = parseLine(line)
    if (record !== undefined) return record
    throw new OperationalError(
      'wrong_format',
      `${path}: line ${i + 1} is no record of a run; the file was changed by hand?`,
    )
  })
}

function wholeLines(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
}

function parseLine(line: string): RunRecord | undefined {
  try {
    const record: RunRecord = JSON.parse(line)
    return record.kind === 'ended' || record.kind === 'failed' ? record : undefined
  } catch {
    return undefined
  }
}

/** A new file's name is on the disk only when its folder is. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
