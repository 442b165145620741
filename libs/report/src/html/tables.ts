import { comparisonCells } from '../comparison-text.js'
import { type Markup, markup, nothing } from '../markup.js'
import type { Comparison } from '../model.js'
import type { CellTable } from '../run-tables.js'

export function htmlTable(table: CellTable): Markup {
  const head = table.header.map((name) => markup`<th scope="col">${name}</th>`)
  const rows = table.rows.map(
    ([name, ...cells]) =>
      markup`<tr><th scope="row">${name}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`,
  )
  return markup`<div class="scroll"><table><caption>${table.caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`
}

/** Policies side by side, the best of each row in bold. */
export function comparisonTable(comparison: Comparison): Markup {
  const { header, rows } = comparisonCells(comparison)
  const head = header.map((name) => markup`<th scope="col">${name}</th>`)
  const body = rows.map((row) => {
    const arrow = row.better === 'higher' ? '↑' : '↓'
    const cells = row.values.map(
      (value, column) =>
        markup`<td${row.best.includes(column) ? markup` class="best"` : nothing}>${valueCell(value)}</td>`,
    )
    return markup`<tr${row.isFirstOfScope ? markup` class="scope"` : nothing}><th scope="row"><span class="arrow" title="${row.better} is better">${arrow}</span>${row.name}</th>${cells}<td class="margin">${row.margin}</td></tr>`
  })
  return markup`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
}

/** A spread in parentheses goes onto a line of its own. */
function valueCell(value: string): Markup {
  const [mean, spread] = value.split(' (')
  return spread === undefined
    ? markup`${mean}`
    : markup`${mean}<span class="spread">${spread.replace(')', '')}</span>`
}
