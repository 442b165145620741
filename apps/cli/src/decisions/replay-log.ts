import type { DecisionLogHeader, DecisionLogRecord } from '@kvasir/contracts'
import { DecisionReplay, type Difference, firstDifference } from '@kvasir/coordinator-core'
import { type DecisionLogEntry, headerHash, headerText, readDecisionLog, recordLine } from '@kvasir/event-log'
import { invariant } from '@kvasir/kernel'

/** Where a log and its recomputation part. `expected` is what the log says, `actual` what recomputing it gives. */
export interface LogDifference extends Difference {
  /** Of the file, from 1. */
  readonly line: number
  readonly seq: number
}

export interface ReplayResult {
  readonly log: string
  readonly run: DecisionLogHeader['run']
  readonly decisions: number
  readonly identical: number
  readonly byKind: { readonly round: number; readonly donors: number; readonly end: number }
  /** Lines whose number, predecessor or hash is not what the log itself makes it. */
  readonly chainBreaks: number
  /** Whether the log ends with the record that closes it. */
  readonly complete: boolean
  /** Whether the regenerated log has the same bytes (of the text, where the file is packed). */
  readonly sameBytes: boolean
  /** Hash of the last line of the regenerated log. */
  readonly head: string
  readonly firstDifference: LogDifference | null
}

/** Takes the lines of the regenerated log, without their ends. */
export type LineSink = (text: string) => void

/**
 * Takes every decision of a log again, makes the log anew from the answers, and compares: each record, each link of the chain, each
 * byte.
 * @throws {OperationalError} when the file cannot be read, or is no decision log.
 */
export async function replayLog(path: string, write: LineSink): Promise<ReplayResult> {
  const comparison = new Comparison(path, write)
  for await (const entry of readDecisionLog(path)) {
    if (entry.kind === 'header') comparison.header(entry.header, entry.text)
    else if (entry.kind === 'damaged') comparison.damaged(entry.line, entry.problem)
    else comparison.record(entry)
  }
  return comparison.result()
}

type RecordEntry = Extract<DecisionLogEntry, { kind: 'record' }>

class Comparison {
  readonly #path: string
  readonly #write: LineSink
  readonly #replay = new DecisionReplay()
  #run: DecisionLogHeader['run'] | undefined
  #byKind = { round: 0, donors: 0, end: 0 }
  #identical = 0
  #chainBreaks = 0
  #complete = false
  #sameBytes = true
  #head = ''
  /** Where reading is. */
  #at = { line: 1, seq: 0 }
  /** Lines of the regenerated log so far, without its header. */
  #written = 0
  #first: LogDifference | undefined

  constructor(path: string, write: LineSink) {
    this.#path = path
    this.#write = write
  }

  get #decisions(): number {
    return this.#byKind.round + this.#byKind.donors + this.#byKind.end
  }

  header(header: DecisionLogHeader, text: string): void {
    this.#run = header.run
    const again = headerText(header)
    this.#head = headerHash(again)
    this.#write(again)
    if (again !== text) this.#differ({ field: 'line', expected: text, actual: again })
  }

  record({ line, seq, text, record, broken }: RecordEntry): void {
    this.#at = { line, seq }
    if (record.kind === 'closed') this.#closed(text, record.decisions)
    else {
      this.#byKind[record.kind]++
      const again = this.#replay.next(record)
      const difference = firstDifference(record, again)
      if (difference === undefined) this.#identical++
      else this.#differ({ ...difference, field: `record.${difference.field}` })
      this.#append(text, again)
    }
    if (broken === undefined) return
    this.#chainBreaks++
    this.#differ({ field: broken.field, expected: broken.actual, actual: broken.expected })
  }

  damaged(line: number, problem: string): void {
    this.#at = { line, seq: this.#at.seq + 1 }
    this.#complete = false
    this.#differ({ field: 'line', expected: problem, actual: 'a line of a decision log' })
  }

  result(): ReplayResult {
    const run = this.#run
    invariant(run !== undefined, () => `${this.#path} was read without a header`)
    if (!this.#complete && this.#first === undefined) {
      this.#at = { line: this.#at.line + 1, seq: this.#at.seq + 1 }
      this.#differ({
        field: 'line',
        expected: 'the end of the file',
        actual: 'a record that closes the log: lines are missing, or it is still being written',
      })
    }
    return {
      log: this.#path,
      run,
      decisions: this.#decisions,
      identical: this.#identical,
      byKind: this.#byKind,
      chainBreaks: this.#chainBreaks,
      complete: this.#complete,
      sameBytes: this.#sameBytes && this.#complete,
      head: this.#head,
      firstDifference: this.#first ?? null,
    }
  }

  #closed(text: string, decisions: number): void {
    this.#complete = true
    const actual = this.#decisions
    if (decisions !== actual) this.#differ({ field: 'record.decisions', expected: decisions, actual })
    this.#append(text, { kind: 'closed', decisions: actual })
  }

  /** Adds a record to the regenerated log. @param text the line of the file. */
  #append(text: string, record: DecisionLogRecord): void {
    if (record.kind !== 'closed') this.#complete = false
    const again = recordLine(++this.#written, this.#head, record)
    this.#head = again.hash
    this.#write(again.text)
    if (again.text !== text) this.#sameBytes = false
  }

  #differ(difference: Difference): void {
    this.#sameBytes = false
    this.#first ??= { ...this.#at, ...difference }
  }
}
