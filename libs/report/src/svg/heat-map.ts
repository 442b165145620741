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
  /** The names of the rows by default: a square. */
  readonly columnNames?: readonly string[]
  /** `values[row][column]`, from 0. */
  readonly values: readonly (readonly number[])[]
  /** Whole numbers and thousands by default. */
  readonly write?: (value: number) => string
}

const LABEL_PX = 130
const MAX_CELL_PX = { width: 92, height: 36 }
/** Height of all rows together, unless they become too low to read. */
const MATRIX_PX = 180
const EMPTY_HEIGHT_PX = 90
const SLANT_DEGREES = 38
const SLANT = (SLANT_DEGREES * Math.PI) / 180
/** Above this share of the largest value, text must be light on the dark cell. */
const LIGHT_TEXT_ABOVE = 0.55

interface Layout {
  readonly left: number
  readonly top: number
  readonly cell: { readonly width: number; readonly height: number }
  readonly isSlanted: boolean
  readonly height: number
}

/** Rows and columns of numbers as shades of one hue; a cell without anything stays empty. */
export function heatMap(spec: HeatMapSpec): Markup {
  const layout = layOut(spec)
  const { height } = layout
  const largest = largestOf(spec)
  const area = { x0: 0, x1: spec.width, y0: height, y1: 30 }
  const content =
    largest === 0
      ? emptyNote(area, 'nobody')
      : markup`${axisTitles(spec, layout)}${columnNames(spec, layout)}${spec.names.map((_, row) => matrixRow(spec, layout, { row, largest }))}`
  return drawing({ ...spec, height }, markup`${titleLine(spec)}${content}`)
}

/** Height of the drawing, for a plot that stands beside it. */
export function heatMapHeight(spec: HeatMapSpec): number {
  return layOut(spec).height
}

function columnsOf({ names, columnNames }: HeatMapSpec): readonly string[] {
  return columnNames ?? names
}

function layOut(spec: HeatMapSpec): Layout {
  const rows = Math.max(1, spec.names.length)
  const count = Math.max(1, columnsOf(spec).length)
  const widest = Math.max(32, ...[...spec.names, ...columnsOf(spec)].map((name) => textWidth(name)))
  const widestColumn = Math.max(32, ...columnsOf(spec).map((name) => textWidth(name)))
  const labelWidth = Math.min(LABEL_PX, widest) + 8
  const left = labelWidth + 18
  const straightWidth = Math.min(MAX_CELL_PX.width, (spec.width - left - 4) / count)
  const isSlanted = widestColumn > straightWidth - 6
  // A slanted name of the last column reaches beyond its cell.
  const right = isSlanted ? Math.max(4, labelWidth * Math.cos(SLANT) - straightWidth / 2) : 4
  const cell = {
    width: Math.min(MAX_CELL_PX.width, (spec.width - left - right) / count),
    height: Math.min(MAX_CELL_PX.height, Math.max(18, MATRIX_PX / rows)),
  }
  const top = 46 + (isSlanted ? labelWidth * Math.sin(SLANT) : 18)
  const height = largestOf(spec) === 0 ? EMPTY_HEIGHT_PX : Math.ceil(top + rows * cell.height + 8)
  return { left, top, cell, isSlanted, height }
}

function largestOf(spec: HeatMapSpec): number {
  return Math.max(0, ...spec.values.flat())
}

function axisTitles(spec: HeatMapSpec, { left, top, cell }: Layout): Markup {
  const height = spec.names.length * cell.height
  const rowTitle = fitText(spec.rowTitle, height + 20)
  return markup`<text class="axis" x="${px(left)}" y="34">${spec.columnTitle} →</text><text class="axis" transform="translate(10 ${px(top + height / 2)}) rotate(-90)" text-anchor="middle">${rowTitle}</text>`
}

function columnNames(spec: HeatMapSpec, { left, top, cell, isSlanted }: Layout): readonly Markup[] {
  const y = px(top - 6)
  return columnsOf(spec).map((name, column) => {
    const x = px(left + (column + 0.5) * cell.width)
    return isSlanted
      ? markup`<text transform="translate(${x} ${y}) rotate(${-SLANT_DEGREES})">${fitText(name, LABEL_PX)}</text>`
      : markup`<text x="${x}" y="${y}" text-anchor="middle">${name}</text>`
  })
}

function matrixRow(
  spec: HeatMapSpec,
  { left, top, cell }: Layout,
  { row, largest }: { readonly row: number; readonly largest: number },
): Markup {
  const y = top + row * cell.height
  const cells = spec.values[row].map((value, column) =>
    heatCell(
      {
        value,
        share: value / largest,
        isOwn: spec.columnNames === undefined && row === column,
        text: (spec.write ?? cellNumber)(value),
      },
      { ...cell, x: left + column * cell.width, y },
    ),
  )
  const name = fitText(spec.names[row], LABEL_PX)
  return markup`<text x="${px(left - 8)}" y="${px(y + cell.height / 2 + 4)}" text-anchor="end">${name}</text>${cells}`
}

function heatCell(
  shown: {
    readonly value: number
    readonly share: number
    readonly isOwn: boolean
    readonly text: string
  },
  box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Markup {
  const isEmpty = shown.value === 0
  const fill = isEmpty ? 'var(--grid)' : 'var(--heat)'
  const opacity = isEmpty ? (shown.isOwn ? 0.35 : 0.7) : (0.12 + 0.88 * shown.share).toFixed(2)
  const shade = markup`<rect x="${px(box.x + 1)}" y="${px(box.y + 1)}" width="${px(box.width - 2)}" height="${px(box.height - 2)}" rx="3" style="fill:${fill};fill-opacity:${opacity}"/>`
  const { text } = shown
  if (isEmpty || textWidth(text) > box.width - 2) return shade
  const colour = shown.share > LIGHT_TEXT_ABOVE ? 'var(--heat-ink)' : 'var(--ink)'
  return markup`${shade}<text x="${px(box.x + box.width / 2)}" y="${px(box.y + box.height / 2 + 4)}" text-anchor="middle" style="fill:${colour}">${text}</text>`
}

/** Whole below a thousand, two or three digits above. */
function cellNumber(value: number): string {
  if (value < 999.5) return String(Math.round(value))
  return plain(Number(value.toPrecision(value < 99_950 ? 2 : 3)) / 1_000) + 'k'
}
