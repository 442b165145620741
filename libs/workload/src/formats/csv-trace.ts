import type { Micros } from '@kvasir/kernel'
import { MAX_TOKENS, type RequestRecord } from '../request.js'
import { CsvRow } from './csv-row.js'
import { type CsvLayout, requiredColumns } from './csv-layouts.js'
import { readDateTime } from './date-time.js'
import { DECIMALS_OF_SECONDS, readScaled, readWhole } from './decimal.js'
import { badLine, badValue, type LineProblem, missingField, outOfOrder } from './problem.js'
import { type LineOutcome, type LineParser, NOTHING } from './push-reader.js'
import type { ReadTally } from './read-counts.js'
import type { TraceClock } from './trace-clock.js'

const DATE_TIME = 'a date and time such as 2023-11-16 18:17:03.9799600'
const SECONDS = 'a number of seconds of at least 0'

/** A trace with more names than this shares them so little that remembering them is not worth the memory. */
const MOST_SHARED_NAMES = 4_096

/** Columns of the file at hand; -1 where it has none. */
interface Positions {
  readonly columns: number
  readonly arrival: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly model: number
  readonly tenant: number
  readonly session: number
}

/** Reads the rows of any CSV trace by its layout. Hot path: a million rows in about a second. */
export class CsvTraceParser implements LineParser<RequestRecord> {
  #layout: CsvLayout
  #clock: TraceClock
  #tally: ReadTally
  #positions: Positions | undefined
  #row = new CsvRow()
  #rowNumber = 0
  /** What is wrong with the row at hand; the first finding counts. */
  #problem: LineProblem | undefined
  /** Names that many rows share, so that records do not keep the text they were cut from. */
  #names = new Map<string, string>()

  constructor(layout: CsvLayout, clock: TraceClock, tally: ReadTally) {
    this.#layout = layout
    this.#clock = clock
    this.#tally = tally
  }

  parse(text: string, start: number, end: number, line: number): LineOutcome<RequestRecord> {
    this.#row.split(text, start, end)
    return this.#positions === undefined ? this.#header(line) : this.#record(this.#positions, line)
  }

  #header(line: number): LineOutcome<RequestRecord> {
    const cells: string[] = []
    for (let i = 0; i < this.#row.count; i++) cells.push((this.#row.field(i) ?? '').toLowerCase())
    const find = (column: string | undefined) =>
      column === undefined ? -1 : cells.indexOf(column.toLowerCase())
    const layout = this.#layout
    for (const column of requiredColumns(layout))
      if (find(column) === -1) {
        const expected = `a column of the header, as format ${layout.format} has it`
        return { kind: 'fatal', problem: missingField(line, column, expected) }
      }
    this.#positions = {
      columns: cells.length,
      arrival: find(layout.arrival.column),
      promptTokens: find(layout.promptTokens),
      outputTokens: find(layout.outputTokens),
      model: find(layout.model),
      tenant: find(layout.tenant),
      session: find(layout.session),
    }
    return NOTHING
  }

  #record(at: Positions, line: number): LineOutcome<RequestRecord> {
    const { arrival, promptTokens: promptColumn, outputTokens: outputColumn, zeroTokens } = this.#layout
    this.#rowNumber++
    this.#problem = undefined
    if (this.#row.count > at.columns) return this.#tooLong(at.columns, line)
    const timeUs = this.#time(at.arrival, line)
    const prompt = this.#tokens(at.promptTokens, promptColumn, line)
    const output = this.#tokens(at.outputTokens, outputColumn, line)
    const model = at.model === -1 ? undefined : this.#name(at.model, this.#layout.model ?? '', line)
    const tenant = at.tenant === -1 ? undefined : this.#name(at.tenant, this.#layout.tenant ?? '', line)
    if (this.#problem !== undefined) return { kind: 'bad', problem: this.#problem }
    if (zeroTokens === 'leave_out' && (prompt === 0 || output === 0)) {
      this.#tally.skippedByRule++
      return NOTHING
    }
    const arrivalUs = this.#clock.place(timeUs)
    if (arrivalUs === undefined) {
      const value = this.#row.field(at.arrival) ?? ''
      return { kind: 'bad', problem: outOfOrder(line, arrival.column, value, this.#clock.lastUs) }
    }
    if (prompt === 0) this.#tally.raisedPrompts++
    if (output === 0) this.#tally.raisedOutputs++
    const row = {
      id: `r${this.#rowNumber}`,
      arrivalUs,
      model,
      promptTokens: prompt === 0 ? 1 : prompt,
      outputTokens: output === 0 ? 1 : output,
      priority: 0,
      tenant,
      deadlineUs: undefined,
      session: at.session === -1 ? undefined : this.#row.field(at.session) || undefined,
      prefixBlocks: undefined,
      prefixBlockTokens: 0,
    }
    return { kind: 'row', row }
  }

  #time(index: number, line: number): Micros {
    const { column, unit } = this.#layout.arrival
    const expected = unit === 'seconds' ? SECONDS : DATE_TIME
    if (!this.#has(index, column, expected, line)) return Number.NaN
    const { text, starts, ends } = this.#row
    const start = starts[index]
    const end = ends[index]
    const timeUs =
      unit === 'seconds' ? readScaled(text, start, end, DECIMALS_OF_SECONDS) : readDateTime(text, start, end)
    const fits = timeUs <= Number.MAX_SAFE_INTEGER && (unit === 'date_time' || timeUs >= 0)
    if (!fits) this.#refuse(badValue(line, column, text.slice(start, end), expected))
    return timeUs
  }

  #tokens(index: number, column: string, line: number): number {
    const least = 'a whole number of at least 1'
    if (!this.#has(index, column, least, line)) return Number.NaN
    const { text, starts, ends } = this.#row
    const start = starts[index]
    const end = ends[index]
    const tokens = readWhole(text, start, end)
    if (tokens >= 0 && tokens <= MAX_TOKENS) return tokens
    const expected = tokens > MAX_TOKENS ? `a whole number of at most ${MAX_TOKENS}` : least
    this.#refuse(badValue(line, column, text.slice(start, end), expected))
    return Number.NaN
  }

  #name(index: number, column: string, line: number): string {
    const expected = `a ${column.toLowerCase()} name`
    if (!this.#has(index, column, expected, line)) return ''
    const name = this.#row.field(index) ?? ''
    if (name === '') this.#refuse(badValue(line, column, name, expected))
    const known = this.#names.get(name)
    if (known !== undefined) return known
    if (this.#names.size < MOST_SHARED_NAMES) this.#names.set(name, name)
    return name
  }

  #has(index: number, column: string, expected: string, line: number): boolean {
    if (index < this.#row.count) return true
    this.#refuse(missingField(line, column, expected))
    return false
  }

  #refuse(problem: LineProblem): void {
    this.#problem ??= problem
  }

  #tooLong(columns: number, line: number): LineOutcome<RequestRecord> {
    const text = this.#row.text.slice(this.#row.starts[0], this.#row.ends[this.#row.count - 1])
    return { kind: 'bad', problem: badLine(line, text, `a row of ${columns} fields, as the header has`) }
  }
}
