import { invariant } from '@kvasir/kernel'

/** A table of measurements as text columns; the shared data's README says what each column means. */
export class MeasuredTable {
  readonly length: number
  readonly #columns: ReadonlyMap<string, number>
  readonly #rows: readonly (readonly string[])[]

  private constructor(columns: readonly string[], rows: readonly (readonly string[])[]) {
    this.#columns = new Map(columns.map((name, index) => [name, index]))
    this.#rows = rows
    this.length = rows.length
  }

  /** Comma separated, with a head line; values without quotes or commas, as all kernel tables are. */
  static parse(text: string): MeasuredTable {
    const [head, ...lines] = text.trim().split('\n')
    return new MeasuredTable(
      head.trim().split(','),
      lines.map((line) => line.trim().split(',')),
    )
  }

  text(row: number, column: string): string {
    const index = this.#columns.get(column)
    invariant(
      index !== undefined,
      () => `no column ${column}; there are ${[...this.#columns.keys()].join(', ')}`,
    )
    return this.#rows[row][index]
  }

  number(row: number, column: string): number {
    return Number(this.text(row, column))
  }
}
