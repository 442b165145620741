import { type Markup, markup, nothing } from '../markup.js'
import { drawing, titleLine } from './chart.js'
import { fitText, px, textWidth } from './text-width.js'

export interface Bar {
  readonly name: string
  readonly colour: string
  /** Null where there is no such number. */
  readonly value: number | null
  /** Smallest and largest over the seeds; a whisker where they differ. */
  readonly min: number
  readonly max: number
  readonly label: string
  readonly isBest: boolean
}

export interface BarPlotSpec {
  readonly title: string
  readonly unit: string
  readonly width: number
  readonly bars: readonly Bar[]
}

const ROW_PX = 24
const TITLE_PX = 28
/** What values are in has a line of its own where it does not fit behind the title. */
const UNIT_ROW_PX = 15
const UNIT_GAP_PX = 24
/** Names may take so much of the width; numbers stand behind the bars. */
const NAMES_MAX = 0.42

/** Horizontal bars from 0, to the left where there is less than nothing, each with its name before it and its number behind it. */
export function barPlot(spec: BarPlotSpec): Markup {
  const { bars, width } = spec
  const isWide = textWidth(spec.title, 14) + textWidth(spec.unit) + UNIT_GAP_PX <= width
  const topPx = TITLE_PX + (isWide ? 0 : UNIT_ROW_PX)
  const names = Math.min(width * NAMES_MAX, Math.max(...bars.map((bar) => textWidth(bar.name))))
  const left = names + 8
  const right = Math.max(...bars.map((bar) => textWidth(bar.label, 12))) + 12
  const least = Math.min(0, ...bars.map((bar) => Math.min(bar.value ?? 0, bar.min)))
  const most = Math.max(0, ...bars.map((bar) => Math.max(bar.value ?? 0, bar.max)))
  const size = { ...spec, height: topPx + bars.length * ROW_PX + 6 }
  const perUnit = most === least ? 0 : (width - left - right) / (most - least)
  const x = (value: number) => px(left + (value - least) * perUnit)
  const rows = bars.map((bar, i) => {
    const y = topPx + i * ROW_PX
    const name = markup`<text x="${px(names)}" y="${y + 14}" text-anchor="end">${fitText(bar.name, names)}</text>`
    if (bar.value === null) return markup`${name}<text class="unit" x="${px(left)}" y="${y + 14}">–</text>`
    const weight = bar.isBest ? '700' : '400'
    const [from, to] = bar.value < 0 ? [x(bar.value), x(0)] : [x(0), x(bar.value)]
    const behind = px(Math.max(to, x(bar.max)) + 6)
    return markup`${name}<rect x="${from}" y="${y + 3}" width="${px(Math.max(1, to - from))}" height="15" rx="2" style="fill:${bar.colour};fill-opacity:.85"/>${whisker(bar, x, y + 10.5)}<text x="${behind}" y="${y + 14}" font-weight="${weight}">${bar.label}</text>`
  })
  const title = isWide
    ? titleLine(size)
    : markup`${titleLine({ ...size, unit: '' })}<text class="unit" x="2" y="31" font-size="11">${fitText(spec.unit, width)}</text>`
  return drawing(size, markup`${title}${rows}`)
}

function whisker(bar: Bar, x: (value: number) => number, y: number): Markup {
  if (bar.max === bar.min) return nothing
  return markup`<path class="line" d="M${x(bar.min)} ${y}H${x(bar.max)}M${x(bar.min)} ${y - 4}v8M${x(bar.max)} ${y - 4}v8" style="stroke:var(--ink);stroke-width:1.2"/>`
}
