import { badValue, type LineProblem, missingField } from './problem.js'
import { CsvRow } from './csv-row.js'
import { type LineOutcome, type LineParser, NOTHING } from './push-reader.js'

/**
 * Reads a small CSV file whose columns are found by name. For files of thousands of rows; traces have a
 * parser of their own.
 */
export class TableParser<Row> implements LineParser<Row> {
  #columns: readonly string[]
  #toRow: (cells: TableCells) => Row
  #row = new CsvRow()
  #positions: ReadonlyMap<string, number> | undefined

  /** `columns` must be in the header; `toRow` reads one row and refuses through its cells. */
  constructor(columns: readonly string[], toRow: (cells: TableCells) => Row) {
    this.#columns = columns
    this.#toRow = toRow
  }

  parse(text: string, start: number, end: number, line: number): LineOutcome<Row> {
    this.#row.split(text, start, end)
    if (this.#positions === undefined) return this.#header(line)
    const cells = new TableCells(this.#row, this.#positions, line)
    const row = this.#toRow(cells)
    return cells.problem === undefined ? { kind: 'row', row } : { kind: 'bad', problem: cells.problem }
  }

  #header(line: number): LineOutcome<Row> {
    const positions = new Map<string, number>()
    for (let i = 0; i < this.#row.count; i++) positions.set((this.#row.field(i) ?? '').toLowerCase(), i)
    this.#positions = positions
    for (const column of this.#columns)
      if (!positions.has(column))
        return { kind: 'fatal', problem: missingField(line, column, 'a column of the header') }
    return NOTHING
  }
}

/** The cells of one row by column name; the first finding counts. */
export class TableCells {
  problem: LineProblem | undefined
  #row: CsvRow
  #positions: ReadonlyMap<string, number>
  #line: number

  constructor(row: CsvRow, positions: ReadonlyMap<string, number>, line: number) {
    this.#row = row
    this.#positions = positions
    this.#line = line
  }

  text(column: string, expected: string): string {
    const cell = this.#row.field(this.#positions.get(column) ?? -1)
    if (cell === undefined) this.problem ??= missingField(this.#line, column, expected)
    return cell ?? ''
  }

  number(column: string, read: (text: string) => number, expected: string): number {
    const cell = this.text(column, expected)
    const value = read(cell)
    if (Number.isNaN(value)) this.problem ??= badValue(this.#line, column, cell, expected)
    return value
  }
}
