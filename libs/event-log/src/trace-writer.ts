import type { TraceRecord } from '@kvasir/contracts'
import type { LlmschedRecord } from './llmsched-record.js'
import { TextFileWriter } from './text-file-writer.js'

/** Takes the records of a run, in the order in which they happened. */
export interface TraceSink {
  record(record: TraceRecord): void
  /** No further records come; files are complete afterwards. */
  close(): void
}

/**
 * `trace.jsonl`: one JSON object a line, members in the order in which they were set, so that equal runs give equal bytes.
 * Bounded memory; suited to tens of millions of lines.
 */
export class TraceWriter implements TraceSink {
  readonly #file: TextFileWriter
  #lines = 0

  /** @throws {OperationalError} when the file cannot be made. */
  constructor(path: string, options: { readonly chunkChars?: number } = {}) {
    this.#file = new TextFileWriter(path, options)
  }

  /** @throws {OperationalError} when the file cannot be written. */
  record(record: TraceRecord | LlmschedRecord): void {
    this.#file.write(`${JSON.stringify(record)}\n`)
    this.#lines++
  }

  get lines(): number {
    return this.#lines
  }

  get bytes(): number {
    return this.#file.bytes
  }

  flush(): void {
    this.#file.flush()
  }

  close(): void {
    this.#file.close()
  }
}
