import type { CellTable } from '../run-tables.js'
import { escapeMarkdown } from './escape.js'

/** A table under its caption; the first column is text, the others are numbers. */
export function cellTableMarkdown({ caption, header, rows }: CellTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  const marks = `| ${header.map((_, column) => (column === 0 ? ':--' : '--:')).join(' | ')} |`
  return [`${caption}:`, '', line(header), marks, ...rows.map(line)].join('\n')
}
