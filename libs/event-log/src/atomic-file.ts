import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { fileTrouble } from './operational-error.js'

/**
 * Replaces `path` by `text` as a whole: a reader sees the old file or the new one, and after a crash one of them is there.
 * The text goes to a neighbour that is then renamed, so both must be on one file system, which neighbours are.
 * @throws {OperationalError} when it cannot be written; the old file is then untouched.
 */
export function writeTextAtomic(path: string, text: string): void {
  writeBytesAtomic(path, Buffer.from(text))
}

/** The same for bytes. */
export function writeBytesAtomic(path: string, bytes: Uint8Array): void {
  // The process id keeps two processes that write the same file from writing the same neighbour.
  const neighbour = `${path}.${process.pid}.tmp`
  try {
    writeDurably(neighbour, bytes)
    renameSync(neighbour, path)
  } catch (cause) {
    rmSync(neighbour, { force: true })
    throw fileTrouble('write', path, cause)
  }
}

/** The same for JSON, indented by two, with a line end at its end. */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeTextAtomic(path, `${JSON.stringify(value, null, 2)}\n`)
}

function writeDurably(path: string, bytes: Uint8Array): void {
  const descriptor = openSync(path, 'w')
  try {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
