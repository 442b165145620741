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

/** A cell as it stands in its column, before it is filled up. */
interface Cell {
  readonly text: string
  readonly isStrong: boolean
}

/** A table with aligned columns for a terminal; one line a row, without trailing blanks. Cells are shown on one line. */
export function renderTable(table: TextTable): string {
  const header = table.header.map((name) => ({ text: oneLine(name), isStrong: false }))
  const rows = withMarks(
    table,
    table.rows.map((cells, row) =>
      header.map((_, column) => ({
        text: oneLine(cells[column] ?? ''),
        isStrong: table.isStrong?.(row, column) ?? false,
      })),
    ),
  )
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((cells) => displayWidth(cells[column].text))),
  )
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1)))
  const lines = [lineOf(table, header, widths), rule]
  rows.forEach((cells, row) => {
    if (table.ruleBefore?.includes(row)) lines.push(rule)
    lines.push(lineOf(table, cells, widths))
  })
  return lines.join('\n')
}

/** Asterisks where emphasis is shown by them; a blank in the other cells of such a column, so that digits stay aligned. */
function withMarks(table: TextTable, rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  if (table.emphasis !== 'marks') return rows
  const isMarked = table.header.map((_, column) => rows.some((cells) => cells[column].isStrong))
  return rows.map((cells) =>
    cells.map((cell, column) =>
      isMarked[column] ? { ...cell, text: `${cell.text}${cell.isStrong ? '*' : ' '}` } : cell,
    ),
  )
}

function lineOf(table: TextTable, cells: readonly Cell[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => {
      const blanks = ' '.repeat(widths[column] - displayWidth(cell.text))
      const shown = table.emphasis === 'ansi' && cell.isStrong ? bold(cell.text) : cell.text
      return table.align?.[column] === 'right' ? blanks + shown : shown + blanks
    })
    .join(GAP)
    .trimEnd()
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`
}

/** Names come from users: no control character of theirs reaches the terminal. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

/** Columns that `text` takes: East Asian wide letters and pictures two, combining marks none. */
function displayWidth(text: string): number {
  let width = 0
  for (const letter of text) {
    if (/\p{Mark}/u.test(letter)) continue
    width +=
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]|\p{Emoji_Presentation}/u.test(
        letter,
      )
        ? 2
        : 1
  }
  return width
}
