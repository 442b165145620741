import type { Micros } from '@kvasir/kernel'
import type { RequestRecord } from '../request.js'
import { JsonFields, type JsonObject, parseObject } from './json-fields.js'
import { badLine, outOfOrder } from './problem.js'
import type { LineOutcome, LineParser } from './push-reader.js'
import type { ReadTally } from './read-counts.js'
import type { TraceClock } from './trace-clock.js'

/** One JSONL format: how a line's fields become a request. Findings are left in `fields`. */
export interface JsonLayout {
  /**
   * A first line that is no record but names the format: `nothing` when it is right, `fatal` when it is
   * not.
   */
  header?(object: JsonObject, line: number): 'not_a_header' | LineOutcome<never>
  /** The request with the file's own times. `row` counts from 1. */
  request(fields: JsonFields, row: number, tally: ReadTally): RequestRecord
  /** Name of the field that holds the arrival. */
  arrivalField(fields: JsonFields): string
}

/** Reads the lines of any JSONL trace by its layout. */
export class JsonTraceParser implements LineParser<RequestRecord> {
  #layout: JsonLayout
  #clock: TraceClock
  #tally: ReadTally
  #rows = 0

  constructor(layout: JsonLayout, clock: TraceClock, tally: ReadTally) {
    this.#layout = layout
    this.#clock = clock
    this.#tally = tally
  }

  parse(text: string, start: number, end: number, line: number): LineOutcome<RequestRecord> {
    const source = text.slice(start, end)
    const object = parseObject(source)
    if (object === undefined) return { kind: 'bad', problem: badLine(line, source, 'a JSON object') }
    if (this.#rows === 0 && this.#layout.header !== undefined) {
      const header = this.#layout.header(object, line)
      if (header !== 'not_a_header') return header
    }
    this.#rows++
    return this.#record(new JsonFields(object, line), line)
  }

  #record(fields: JsonFields, line: number): LineOutcome<RequestRecord> {
    const request = this.#layout.request(fields, this.#rows, this.#tally)
    if (fields.problem !== undefined) return { kind: 'bad', problem: fields.problem }
    const arrivalUs = this.#clock.place(request.arrivalUs)
    if (arrivalUs === undefined) {
      const field = this.#layout.arrivalField(fields)
      return { kind: 'bad', problem: outOfOrder(line, field, String(fields.raw(field)), this.#clock.lastUs) }
    }
    return {
      kind: 'row',
      row: this.#raised({ ...request, arrivalUs, deadlineUs: this.#shift(request.deadlineUs) }),
    }
  }

  #shift(timeUs: Micros | undefined): Micros | undefined {
    return timeUs === undefined ? undefined : this.#clock.shift(timeUs)
  }

  /** Layouts that allow zero tokens mean a served request; see CsvLayout.zeroTokens. */
  #raised(request: RequestRecord): RequestRecord {
    const { promptTokens, outputTokens } = request
    if (promptTokens > 0 && outputTokens > 0) return request
    if (promptTokens === 0) this.#tally.raisedPrompts++
    if (outputTokens === 0) this.#tally.raisedOutputs++
    return { ...request, promptTokens: Math.max(1, promptTokens), outputTokens: Math.max(1, outputTokens) }
  }
}
