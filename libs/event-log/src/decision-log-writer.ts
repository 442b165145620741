import {
  DECISION_LOG_FORMAT,
  DECISION_LOG_VERSION,
  type DecisionLogHeader,
  type DecisionLogRecord,
  type DecisionRecord,
  decisionColumns,
} from '@kvasir/contracts'
import { headerHash, headerText, recordLine } from './decision-chain.js'
import { TextFileWriter } from './text-file-writer.js'

/** The header of a log of today's format. */
export function decisionLogHeader(run: DecisionLogHeader['run']): DecisionLogHeader {
  return { format: DECISION_LOG_FORMAT, version: DECISION_LOG_VERSION, run, columns: decisionColumns }
}

/**
 * A decision log (`contracts/decision-log.ts`), from front to back and nothing ever changed: each line has the hash of the one
 * before. After a crash the file ends somewhere; the reader names a line that is torn, and a log without its closing record.
 */
export class DecisionLogWriter {
  readonly #file: TextFileWriter
  #seq = 0
  #decisions = 0
  #head: string

  /**
   * @param path packed with gzip when it ends in `.gz`.
   * @throws {OperationalError} when the file cannot be made.
   */
  constructor(path: string, header: DecisionLogHeader) {
    this.#file = new TextFileWriter(path, { gzip: path.endsWith('.gz') })
    const text = headerText(header)
    this.#file.write(`${text}\n`)
    this.#head = headerHash(text)
  }

  /** @throws {OperationalError} when the file cannot be written. */
  record(record: DecisionRecord): void {
    this.#append(record)
    this.#decisions++
  }

  /** Hash of the last line: whoever keeps it elsewhere knows that no line was changed or left out up to it. */
  get head(): string {
    return this.#head
  }

  get bytes(): number {
    return this.#file.bytes
  }

  /** Closes the file with a record that says it is complete. */
  close(): void {
    this.#append({ kind: 'closed', decisions: this.#decisions })
    this.#file.close()
  }

  /** Closes the file as it is: more was to come. */
  abandon(): void {
    this.#file.close()
  }

  #append(record: DecisionLogRecord): void {
    const { text, hash } = recordLine(++this.#seq, this.#head, record)
    this.#file.write(`${text}\n`)
    this.#head = hash
  }
}
