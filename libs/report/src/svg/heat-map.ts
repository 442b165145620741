import { type Markup, markup } from '../markup.js'
import { drawing, emptyNote, titleLine } from './chart.js'
import { fitText, px, textWidth } from './text-width.js'
import { plain } from './ticks.js'

export interface HeatMapSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  /** What a row and what a column is. */
  readonly rowTitle: string
  readonly columnTitle: string
  readonly names: readonly string[]
  /** `values[row][column]`, from 0. */
  readonly values: readonly (readonly number[])[]
}

const LABEL_PX = 130
const MAX_CELL_PX = { width: 92, height: 36 }
/** Height of all rows together, unless they become too low to read. */
const MATRIX_PX = 180
const SLANT_DEGREES = 38
const SLANT = (SLANT_DEGREES * Math.PI) / 180
/** Above this share of the largest value, text must be light on the dark cell. */
const LIGHT_TEXT_ABOVE = 0.55

/** A square of numbers as shades of one hue; a cell without anything stays empty. */
export function heatMap(spec: HeatMapSpec): Markup {
  const count = spec.names.length
  const labelWidth = Math.min(LABEL_PX, Math.max(40, ...spec.names.map((name) => textWidth(name))) + 8)
  const left = labelWidth + 18
  const widest = Math.max(0, ...spec.names.map((name) => textWidth(name)))
  const straightWidth = Math.min(MAX_CELL_PX.width, (spec.width - left - 4) / Math.max(1, count))
  const isSlanted = widest > straightWidth - 6
  // A slanted name of the last column reaches beyond its cell.
  const right = isSlanted ? Math.max(4, labelWidth * Math.cos(SLANT) - straightWidth / 2) : 4
  const cell = {
    width: Math.min(MAX_CELL_PX.width, (spec.width - left - right) / Math.max(1, count)),
    height: Math.min(MAX_CELL_PX.height, Math.max(18, MATRIX_PX / Math.max(1, count))),
  }
  const top = 46 + (isSlanted ? labelWidth * Math.sin(SLANT) : 18)
  const height = Math.ceil(top + count * cell.height + 8)
  const size = { title: spec.title, unit: spec.unit, width: spec.width, height: Math.max(height, 90) }
  const largest = Math.max(0, ...spec.values.flat())
  const area = { x0: 0, x1: spec.width, y0: size.height, y1: 30 }
  if (largest === 0) return drawing({ ...size, height: 90 }, markup`${titleLine(size)}${emptyNote({ ...area, y0: 90 }, 'nobody')}`)
  const columnLabels = spec.names.map((name, column) => {
    const x = px(left + (column + 0.5) * cell.width)
    const y = px(top - 6)
    const shown = fitText(name, isSlanted ? LABEL_PX : cell.width - 4)
    return isSlanted
      ? markup`<text transform="translate(${x} ${y}) rotate(${-SLANT_DEGREES})">${shown}</text>`
      : markup`<text x="${x}" y="${y}" text-anchor="middle">${shown}</text>`
  })
  const rows = spec.names.map((name, row) => {
    const middle = px(top + (row + 0.5) * cell.height + 4)
    const cells = spec.values[row].map((value, column) =>
      heatCell({ value, share: value / largest, isOwn: row === column }, { ...cell, x: left + column * cell.width, y: top + row * cell.height }),
    )
    return markup`<text x="${px(left - 8)}" y="${middle}" text-anchor="end">${fitText(name, LABEL_PX)}</text>${cells}`
  })
  const rowTitleY = px(top + (count * cell.height) / 2)
  return drawing(
    size,
    markup`${titleLine(size)}<text class="axis" x="${px(left)}" y="34">${spec.columnTitle} →</text><text class="axis" transform="translate(10 ${rowTitleY}) rotate(-90)" text-anchor="middle">${fitText(spec.rowTitle, count * cell.height + 20)}</text>${columnLabels}${rows}`,
  )
}

function heatCell(
  shown: { readonly value: number; readonly share: number; readonly isOwn: boolean },
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Markup {
  const isEmpty = shown.value === 0
  const fill = isEmpty ? 'var(--grid)' : 'var(--heat)'
  const opacity = isEmpty ? (shown.isOwn ? 0.35 : 0.7) : (0.12 + 0.88 * shown.share).toFixed(2)
  const shade = markup`<rect x="${px(box.x + 1)}" y="${px(box.y + 1)}" width="${px(box.width - 2)}" height="${px(box.height - 2)}" rx="3" style="fill:${fill};fill-opacity:${opacity}"/>`
  if (isEmpty) return shade
  const colour = shown.share > LIGHT_TEXT_ABOVE ? 'var(--heat-ink)' : 'var(--ink)'
  return markup`${shade}<text x="${px(box.x + box.width / 2)}" y="${px(box.y + box.height / 2 + 4)}" text-anchor="middle" style="fill:${colour}">${plain(shown.value)}</text>`
}
