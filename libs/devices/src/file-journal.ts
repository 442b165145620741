import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DeviceSnapshot, type JournalEntry, journalEntrySchema, parseDocument } from '@kvasir/contracts'
import { JournalReplay } from '@kvasir/device-core'
import { fileTrouble, OperationalError, writeTextAtomic } from '@kvasir/event-log'
import type { DeviceJournal } from './simulated-group.js'

/** Entries after which the file is written anew, with all that they add up to in its first line. */
const COMPACT_AFTER = 10_000

/**
 * What a group must not forget, in a file: one entry a line, each whole before anybody is answered, so that a process that is killed
 * has forgotten nothing. An epoch is also on the disk before it is answered; of the mapping, what a machine that loses its power
 * forgets, its memory has forgotten too.
 */
export class FileJournal implements DeviceJournal {
  readonly #path: string
  #descriptor: number
  #entries = 0

  private constructor(path: string, snapshot: DeviceSnapshot) {
    this.#path = path
    this.#descriptor = this.#startAnew(snapshot)
  }

  /**
   * Opens the journal at `path`, or begins one, and says what it holds. A last line that is torn was never answered, and is dropped.
   * @throws {OperationalError} when it cannot be read or written, or another line is not one of a journal.
   */
  static open(path: string): { readonly journal: FileJournal; readonly snapshot: DeviceSnapshot } {
    const snapshot = readJournal(path)
    return { journal: new FileJournal(path, snapshot), snapshot }
  }

  write(entry: JournalEntry, snapshot: () => DeviceSnapshot): void {
    try {
      writeWhole(this.#descriptor, `${JSON.stringify(entry)}\n`)
      if (entry.kind === 'fence') fsyncSync(this.#descriptor)
    } catch (cause) {
      // Half a line may stand there: the next entry replaces the file.
      this.#entries = COMPACT_AFTER
      throw fileTrouble('write', this.#path, cause)
    }
    if (++this.#entries < COMPACT_AFTER) return
    closeSync(this.#descriptor)
    this.#descriptor = this.#startAnew(snapshot())
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  #startAnew(snapshot: DeviceSnapshot): number {
    this.#entries = 0
    try {
      mkdirSync(dirname(this.#path), { recursive: true })
      writeTextAtomic(this.#path, `${JSON.stringify({ kind: 'state', ...snapshot })}\n`)
      return openSync(this.#path, 'a')
    } catch (cause) {
      throw fileTrouble('write', this.#path, cause)
    }
  }
}

function readJournal(path: string): DeviceSnapshot {
  const replay = new JournalReplay()
  if (!existsSync(path)) return replay.snapshot()
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw fileTrouble('read', path, cause)
  }
  // What comes after the last line end was not written to its end.
  const lines = text.split('\n').slice(0, -1)
  for (const [index, line] of lines.entries()) replay.apply(entryIn(line, `line ${index + 1} of ${path}`))
  return replay.snapshot()
}

function entryIn(line: string, where: string): JournalEntry {
  const parsed = parseDocument(journalEntrySchema, jsonIn(line))
  if (parsed.kind === 'parsed') return parsed.value
  throw new OperationalError(
    'wrong_format',
    `${where} is not an entry of a device journal: ${parsed.problems.join('; ')}; move the file away to start without it, once no engine holds a lease on this group`,
  )
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}

function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset)
}
