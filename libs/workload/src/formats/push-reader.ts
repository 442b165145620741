import { badLine, type LineProblem, unknownFormat } from './problem.js'
import { type ReadCounts, ReadTally } from './read-counts.js'
import { LONGEST_LINE_CHARS, TextLines } from './text-lines.js'

/**
 * What a line turned out to be. `fatal` stops the reading even where bad lines are skipped: a header that
 * does not fit.
 */
export type LineOutcome<Row> =
  | { readonly kind: 'row'; readonly row: Row }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bad'; readonly problem: LineProblem }
  | { readonly kind: 'fatal'; readonly problem: LineProblem }

/** Reads the lines of one format, the header included. */
export interface LineParser<Row> {
  parse(text: string, start: number, end: number, line: number): LineOutcome<Row>
}

/** The format found in the first lines, and its parser. */
export type Opening<Row> =
  | { readonly kind: 'opened'; readonly format: string; readonly parser: LineParser<Row> }
  | { readonly kind: 'refused'; readonly problem: LineProblem }

/** The rows completed by a push, in order; after `failed` nothing more comes. */
export type ReadBatch<Row> =
  | { readonly kind: 'rows'; readonly rows: readonly Row[] }
  | { readonly kind: 'failed'; readonly rows: readonly Row[]; readonly problem: LineProblem }

export const NOTHING = { kind: 'nothing' } as const

/**
 * A push parser in constant memory: text comes in chunks of any size, rows go out as soon as their line is
 * complete. Files, decoding and gzip are the caller's.
 */
export class PushReader<Row> {
  #tally: ReadTally
  #open: (head: string) => Opening<Row>
  #skipBadLines: boolean
  #lines = new TextLines()
  /** What came before the format was known. */
  #head = ''
  #parser: LineParser<Row> | undefined
  #format: string | undefined
  #problem: LineProblem | undefined

  constructor(options: { skipBadLines: boolean; tally?: ReadTally }, open: (head: string) => Opening<Row>) {
    this.#skipBadLines = options.skipBadLines
    this.#tally = options.tally ?? new ReadTally()
    this.#open = open
  }

  get counts(): ReadCounts {
    return this.#tally
  }

  /** Undefined until the first lines are there. */
  get format(): string | undefined {
    return this.#format
  }

  push(text: string): ReadBatch<Row> {
    if (this.#problem !== undefined) return this.#drain()
    if (this.#parser !== undefined) this.#lines.feed(text)
    else {
      this.#head += text
      if (holdsTwoLines(this.#head) || this.#head.length > LONGEST_LINE_CHARS) this.#begin()
    }
    return this.#drain()
  }

  /** The input is complete: an unended last line counts. */
  end(): ReadBatch<Row> {
    if (this.#parser === undefined && this.#problem === undefined) this.#begin()
    this.#lines.finish()
    return this.#drain()
  }

  #begin(): void {
    const opening = this.#open(this.#head)
    if (opening.kind === 'refused') this.#problem = opening.problem
    else {
      this.#parser = opening.parser
      this.#format = opening.format
      this.#lines.feed(this.#head)
    }
    this.#head = ''
  }

  #drain(): ReadBatch<Row> {
    const rows: Row[] = []
    const lines = this.#lines
    const parser = this.#parser
    if (parser !== undefined)
      while (this.#problem === undefined && lines.next()) {
        const outcome = parser.parse(lines.text, lines.start, lines.end, lines.line)
        if (outcome.kind === 'row') rows.push(outcome.row)
        else if (outcome.kind === 'fatal') this.#problem = outcome.problem
        else if (outcome.kind === 'bad') this.#refuse(outcome.problem)
      }
    this.#tally.lines = lines.line
    this.#tally.records += rows.length
    if (lines.overlong) this.#problem ??= this.#overlong()
    return this.#problem === undefined
      ? { kind: 'rows', rows }
      : { kind: 'failed', rows, problem: this.#problem }
  }

  #refuse(problem: LineProblem): void {
    if (this.#skipBadLines) this.#tally.countBadLine(problem)
    else this.#problem = problem
  }

  #overlong(): LineProblem {
    const { text, line } = this.#lines
    return badLine(
      line + 1,
      text.slice(-LONGEST_LINE_CHARS),
      `a line of at most ${LONGEST_LINE_CHARS} characters`,
    )
  }
}

/** Everything at once, for input that is in memory already. */
export function readText<Row>(reader: PushReader<Row>, text: string): ReadBatch<Row> {
  const first = reader.push(text)
  if (first.kind === 'failed') return first
  const last = reader.end()
  return { ...last, rows: [...first.rows, ...last.rows] }
}

/** The first lines that are not blank, without a byte order mark; the last may be incomplete. */
export function firstLines(head: string, count: number): readonly string[] {
  const lines = new TextLines()
  lines.feed(head)
  lines.finish()
  const found: string[] = []
  while (found.length < count && lines.next()) found.push(lines.text.slice(lines.start, lines.end))
  return found
}

export function refuseFormat(head: string, expected: string): { kind: 'refused'; problem: LineProblem } {
  return { kind: 'refused', problem: unknownFormat(1, firstLines(head, 1)[0] ?? '', expected) }
}

function holdsTwoLines(head: string): boolean {
  let ends = 0
  for (let at = head.indexOf('\n'); at !== -1; at = head.indexOf('\n', at + 1))
    if (/\S/.test(head.slice(head.lastIndexOf('\n', at - 1) + 1, at)) && ++ends === 2) return true
  return false
}
