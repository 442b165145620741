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
const TOP_PX = 28

/** Horizontal bars from 0, each with its name before it and its number behind it. */
export function barPlot(spec: BarPlotSpec): Markup {
  const left = Math.min(spec.width * 0.36, Math.max(...spec.bars.map((bar) => textWidth(bar.name)))) + 8
  const right = Math.max(...spec.bars.map((bar) => textWidth(bar.label, 12))) + 12
  const largest = Math.max(...spec.bars.map((bar) => Math.max(bar.value ?? 0, bar.max)), Number.MIN_VALUE)
  const size = { ...spec, height: TOP_PX + spec.bars.length * ROW_PX + 6 }
  const x = (value: number) => px(left + (value / largest) * (spec.width - left - right))
  const rows = spec.bars.map((bar, i) => {
    const y = TOP_PX + i * ROW_PX
    const name = markup`<text x="${px(left - 8)}" y="${y + 14}" text-anchor="end">${fitText(bar.name, left - 8)}</text>`
    if (bar.value === null) return markup`${name}<text class="unit" x="${px(left)}" y="${y + 14}">–</text>`
    const weight = bar.isBest ? '700' : '400'
    const behind = px(Math.max(x(bar.value), x(bar.max)) + 6)
    return markup`${name}<rect x="${px(left)}" y="${y + 3}" width="${px(Math.max(1, x(bar.value) - left))}" height="15" rx="2" style="fill:${bar.colour};fill-opacity:.85"/>${whisker(bar, x, y + 10.5)}<text x="${behind}" y="${y + 14}" font-weight="${weight}">${bar.label}</text>`
  })
  return drawing(size, markup`${titleLine(size)}${rows}`)
}

function whisker(bar: Bar, x: (value: number) => number, y: number): Markup {
  if (bar.max === bar.min) return nothing
  return markup`<path class="line" d="M${x(bar.min)} ${y}H${x(bar.max)}M${x(bar.min)} ${y - 4}v8M${x(bar.max)} ${y - 4}v8" style="stroke:var(--ink);stroke-width:1.2"/>`
}
