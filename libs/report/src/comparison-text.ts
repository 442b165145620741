import type { Comparison, ComparisonRow } from './model.js'
import { styleFor } from './numbers.js'
import { renderTable } from './text-table.js'
import { bestOf, marginText, rowName, verdictSentences } from './verdict.js'

/** A comparison as cells of text, for any kind of table: `metric | policy … | best by`. */
export interface ComparisonCells {
  readonly header: readonly string[]
  readonly rows: readonly ComparisonRowCells[]
}

export interface ComparisonRowCells {
  readonly name: string
  readonly better: 'lower' | 'higher'
  readonly values: readonly string[]
  /** Which of `values` are best. */
  readonly best: readonly number[]
  readonly margin: string
  readonly isFirstOfScope: boolean
}

export function comparisonCells(comparison: Comparison): ComparisonCells {
  return {
    header: ['', ...comparison.policies, 'best by'],
    rows: comparison.rows.map((row, i) => ({
      name: rowName(row),
      better: row.better,
      values: valuesOf(row),
      best: bestOf(row),
      margin: marginText(row),
      isFirstOfScope: i > 0 && row.scope !== comparison.rows[i - 1].scope,
    })),
  }
}

function valuesOf(row: ComparisonRow): string[] {
  const style = styleFor(
    row.unit,
    row.cells.flatMap((cell) => (cell === null ? [] : [cell.mean])),
  )
  return row.cells.map((cell) => {
    if (cell === null) return '–'
    const value = `${style.write(cell.mean)}${style.suffix}`
    if (cell.min === cell.max) return value
    return `${value} (${style.write(cell.min)} to ${style.write(cell.max)})`
  })
}

/**
 * The comparison for a terminal: a table with the best of each row emphasised, then the verdict in words and what speaks
 * against taking it at face value.
 */
export function renderComparisonText(
  comparison: Comparison,
  options: { readonly emphasis?: 'ansi' | 'marks' } = {},
): string {
  const { header, rows } = comparisonCells(comparison)
  const table = renderTable({
    header,
    rows: rows.map((row) => [
      `${row.better === 'higher' ? '↑' : '↓'} ${row.name}`,
      ...row.values,
      row.margin,
    ]),
    align: header.map((_, column) => (column === 0 ? 'left' : 'right')),
    isStrong: (row, column) => rows[row].best.includes(column - 1),
    ruleBefore: rows.flatMap((row, i) => (row.isFirstOfScope ? [i] : [])),
    emphasis: options.emphasis ?? 'marks',
  })
  return [table, '', ...verdictSentences(comparison), ...comparison.cautions].join('\n')
}
