export interface TextTable {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** One a column; `left` where it is missing. */
  readonly align?: readonly ('left' | 'right')[]
  /** Cells to emphasise. */
  readonly isStrong?: (row: number, column: number) => boolean
  /** Rows before which a rule is drawn. */
  readonly ruleBefore?: readonly number[]
  /**
   * How emphasis is shown: `ansi` for a terminal, `marks` for plain text (an asterisk behind the cell), nothing otherwise.
   */
  readonly emphasis?: 'ansi' | 'marks' | 'none'
}

const GAP = '  '

/** A table with aligned columns for a terminal; one line a row, without trailing blanks. Cells are shown on one line. */
export function renderTable(table: TextTable): string {
  const emphasis = table.emphasis ?? 'none'
  const isStrong = (row: number, column: number) => emphasis !== 'none' && (table.isStrong?.(row, column) ?? false)
  const mark = (row: number, column: number) => (emphasis === 'marks' && isStrong(row, column) ? '*' : '')
  const header = table.header.map(oneLine)
  const rows = table.rows.map((cells, row) => cells.map((cell, column) => oneLine(cell) + mark(row, column)))
  // Room for the mark, so that digits stay aligned whether or not the cell has one.
  const marked = header.map((_, column) => rows.some((_cells, row) => mark(row, column) !== ''))
  const widths = header.map((name, column) =>
    Math.max(displayWidth(name), ...rows.map((cells) => displayWidth(cells[column] ?? ''))),
  )
  const line = (cells: readonly string[], row: number | undefined) =>
    cells
      .map((cell, column) => {
        const isRight = table.align?.[column] === 'right'
        const tail = isRight && marked[column] && !cell.endsWith('*') ? ' ' : ''
        const blanks = ' '.repeat(Math.max(0, widths[column] - displayWidth(cell + tail)))
        const shown = emphasis === 'ansi' && row !== undefined && isStrong(row, column) ? bold(cell) : cell
        return isRight ? blanks + shown + tail : shown + blanks
      })
      .join(GAP)
      .trimEnd()
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)))
  const lines = [line(header, undefined), rule]
  rows.forEach((cells, row) => {
    if (table.ruleBefore?.includes(row)) lines.push(rule)
    lines.push(line(cells, row))
  })
  return lines.join('\n')
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`
}

/** Names come from users: no control character of theirs reaches the terminal. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}

/** Columns that `text` takes: East Asian wide letters and pictures two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0
  for (const letter of text) {
    if (/\p{Mark}/u.test(letter)) continue
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u.test(letter)
      ? 2
      : 1
  }
  return width
}
