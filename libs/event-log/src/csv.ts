import { TextFileWriter } from './text-file-writer.js'

export type CsvCell = string | number | boolean | null | undefined

/**
 * One line of RFC 4180 CSV without its end. Text that a spreadsheet would take for a formula (it begins with `=`, `+`, `-`,
 * `@`, a tab or a carriage return) gets a leading apostrophe: names come from users and traces. Numbers are never touched.
 */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(csvCell).join(',')
}

function csvCell(cell: CsvCell): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  const inert = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}

/**
 * Writes a whole CSV file: a header, then rows, `\n` at each end.
 * @throws {OperationalError} when the file cannot be written.
 */
export function writeCsv(path: string, header: readonly string[], rows: Iterable<readonly CsvCell[]>): void {
  const file = new TextFileWriter(path)
  try {
    file.write(`${csvLine(header)}\n`)
    for (const row of rows) file.write(`${csvLine(row)}\n`)
  } finally {
    file.close()
  }
}
